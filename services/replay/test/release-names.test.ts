import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopicNames } from '@kappa/applications/records'
import fc from 'fast-check'
import {
  parseChangelogTopic,
  parseReleasePath,
  parseResultsGroup,
} from '../retiring/release-names.ts'

const namespaces = fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/)
const applications = fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/)
const views = fc.stringMatching(/^[a-z][a-z0-9_]{0,62}$/)
const releases = fc.integer({ min: 1, max: 999_999_999 })

test('the release of a name is read back, and only by the installation that it belongs to', () => {
  fc.assert(
    fc.property(namespaces, namespaces, applications, releases, views, (own, other, a, n, v) => {
      fc.pre(own !== other)
      const names = new TopicNames(own)
      const expected = { application: a, release: n }
      assert.deepEqual(parseChangelogTopic(own, names.changelog(a, n, v)), expected)
      assert.deepEqual(parseResultsGroup(own, names.resultsGroup(a, n)), expected)
      assert.deepEqual(parseReleasePath(`${a}/${n}`), expected)
      assert.equal(parseChangelogTopic(other, names.changelog(a, n, v)), undefined)
      assert.equal(parseResultsGroup(other, names.resultsGroup(a, n)), undefined)
    }),
  )
})

for (const topic of [
  'kappa.releases',
  'kappa.changelog.shop.1',
  'kappa.changelog.shop.0.by_hour',
  'kappa.changelog.shop.01.by_hour',
  'kappa.changelog.shop.1.by-hour',
  'kappa.changelog.shop.1.by_hour.more',
  'kappa.changelog.shop_2.1.by_hour',
  'kappa.changelog..1.by_hour',
  'kappa.changelog.shop.1.by_hour\n',
  'kappa-2.changelog.shop.1.by_hour',
  'my.kappa.changelog.shop.1.by_hour',
  'flights.departures',
]) {
  test(`${JSON.stringify(topic)} is nobody's changelog`, () => {
    assert.equal(parseChangelogTopic('kappa', topic), undefined)
  })
}

for (const group of ['kappa.results.shop', 'kappa.results.shop.1.2', 'kappa.releases-reader-1']) {
  test(`${group} is no group of a release`, () => {
    assert.equal(parseResultsGroup('kappa', group), undefined)
  })
}

for (const path of ['shop', 'shop/', 'shop/1/', '/1', 'shop/1/by_hour', '../1', 'shop/1e3']) {
  test(`${path} is no folder of a release`, () => assert.equal(parseReleasePath(path), undefined))
}
