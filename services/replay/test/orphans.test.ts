import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ReleaseRecord, type ReleaseState, releaseStates } from '@kappa/applications/records'
import { findOrphans, type Orphan } from '../retiring/find-orphans.ts'
import { removeOrphans } from '../retiring/remove-orphans.ts'
import { Installation } from './retiring-fixture.ts'

let here: Installation

before(async () => {
  here = await Installation.open()
})
after(() => here.close())

/** What a release of the fixture has, in the order in which orphans are told. */
function allOf(application: string, release: number): Orphan[] {
  const owner = { application, release }
  const path = `${application}/${release}`
  const topic = (view: string) => `${here.namespace}.changelog.${application}.${release}.${view}`
  return [
    { kind: 'checkpoints', name: `checkpoints/${path}/`, ...owner },
    { kind: 'datasets', name: `datasets/${path}/`, ...owner },
    { kind: 'rows', name: path, ...owner },
    { kind: 'topic', name: topic('by_day'), ...owner },
    { kind: 'topic', name: topic('by_hour'), ...owner },
  ]
}

test('orphans are what belongs to no release, or to one whose removal is done', async () => {
  const kept: ReleaseRecord[] = []
  const removable: ReleaseState[] = ['retired', 'cancelled']
  for (const [i, state] of releaseStates.entries()) {
    kept.push(await here.release('shop-2', i + 1, state))
    if (removable.includes(state))
      kept.push(await here.release('shop-2', 100 + i, state, { removed: false }))
  }
  const gone = await here.release('shop', 7, 'retired', { removed: true })
  const unknown = await here.release('shop', 12, 'live')
  const member = await here.joinGroup(unknown)
  // Neither is a name that a release could have.
  await here.put(['checkpoints/Shop/x/file', 'datasets/shop/007/file', 'other/shop/12/file'])
  const expected = [...allOf('shop', 7), ...allOf('shop', 12)]
  const group = `${here.namespace}.results.shop.12`
  expected.splice(7, 0, { kind: 'group', name: group, application: 'shop', release: 12 })
  const releases = () => [...kept, gone]
  const found = await findOrphans(here.parts, releases)
  assert.deepEqual(found, expected)

  const before = await here.everything()
  const held = await removeOrphans(here.parts, found, releases)
  assert.deepEqual(
    held.kept.map(({ orphan }) => orphan.kind),
    ['group'],
    'its member is still there',
  )
  await member.close()
  const rest = held.kept.map(({ orphan }) => orphan)
  assert.deepEqual(await removeOrphans(here.parts, rest, releases), { removed: rest, kept: [] })
  assert.deepEqual(await findOrphans(here.parts, releases), [])
  const isOrphan = (name: string) =>
    /[./{]shop[./](7|12)[./]/.test(`${name}/`) && !name.includes('/other/')
  assert.deepEqual(
    await here.everything(),
    before.filter((name) => !isOrphan(name)),
  )
})

test('P7: what has become part of a release meanwhile, or is named wrongly, stays', async () => {
  const record = await here.release('till', 3, 'catching_up')
  const orphans = allOf('till', 3)
  const forged: Orphan[] = [
    { kind: 'topic', name: `${here.namespace}.releases`, application: 'till', release: 99 },
    { kind: 'topic', name: orphans[3]?.name ?? '', application: 'till', release: 99 },
    { kind: 'group', name: 'somebody-elses', application: 'till', release: 99 },
    { kind: 'checkpoints', name: 'checkpoints/till/3/', application: 'till', release: 99 },
    { kind: 'checkpoints', name: 'checkpoints/', application: 'till', release: 99 },
    { kind: 'datasets', name: 'checkpoints/till/99/', application: 'till', release: 99 },
    { kind: 'rows', name: 'till/3', application: 'till', release: 99 },
  ]
  const before = await here.everything()
  const { removed, kept } = await removeOrphans(here.parts, [...orphans, ...forged], () => [record])
  assert.deepEqual(removed, [])
  assert.equal(kept.length, orphans.length + forged.length)
  for (const { reason } of kept.slice(0, orphans.length)) assert.match(reason, /is a release of/)
  for (const { reason } of kept.slice(orphans.length)) assert.match(reason, /is not the name of/)
  assert.deepEqual(await here.everything(), before)
})

test('P7: a release that comes while orphans are looked for is none', async () => {
  await here.release('late', 1, 'checked')
  const parts = {
    ...here.parts,
    rows: {
      removeRows: () => Promise.reject(new Error('nothing is to be removed')),
      releasesWithRows: async () => {
        known.push(here.record('late', 1, 'checked'))
        return here.parts.rows.releasesWithRows()
      },
    },
  }
  const known: ReleaseRecord[] = []
  const found = await findOrphans(parts, () => known)
  assert.deepEqual(
    found.filter(({ application }) => application === 'late'),
    [],
  )
})

test('nothing is removed once it cannot be said who owns what', async () => {
  await here.release('fenced', 1, 'retired', { removed: true })
  const before = await here.everything()
  const fenced = () => Promise.reject(new Error('another instance has taken over'))
  await assert.rejects(removeOrphans(here.parts, allOf('fenced', 1), fenced), /taken over/)
  assert.deepEqual(await here.everything(), before)
})
