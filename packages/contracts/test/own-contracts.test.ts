import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { test } from 'node:test'
import { checkContracts } from '@kappa/contracts/check-contracts'
import { describeProblem } from '@kappa/contracts/errors'

const root = join(import.meta.dirname, '..', '..', '..')
const hidden = (name: string) => name === 'node_modules' || name.startsWith('.')
const topicFiles = globSync('**/topic.yaml', { cwd: root, exclude: hidden })
const folders = [...new Set(topicFiles.map((file) => dirname(dirname(file))))].sort()

test('the contracts of the repository are among those that are checked', () => {
  assert.ok(folders.includes('schemas'), folders.join(', '))
})

for (const folder of folders) {
  test(`the contracts in ${folder.split(sep).join('/')} are sound`, async () => {
    const { contracts, problems } = await checkContracts(join(root, folder))
    assert.deepEqual(problems.map(describeProblem), [])
    assert.ok(contracts.length > 0)
  })
}
