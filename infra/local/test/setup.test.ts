import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { verifyFolder, verifyUnlessStamped } from '../../setup/checksums.mjs'
import { missingPrerequisites } from '../../setup/prerequisites.mjs'

const folder = mkdtempSync(join(tmpdir(), 'kappa-setup-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

test('a jar with a wrong checksum is named with what was expected, what came and what to do', async () => {
  const jar = join(folder, 'spark.jar')
  const expected = { 'spark.jar': digest('right') }
  writeFileSync(jar, 'right')
  await verifyFolder(folder, expected)
  await verifyUnlessStamped(folder, expected)

  writeFileSync(jar, 'wrong')
  utimesSync(jar, 1, 1)
  await assert.rejects(verifyUnlessStamped(folder, expected), (error: Error) => {
    assert.match(error.message, /spark\.jar has a wrong checksum/)
    assert.ok(error.message.includes(digest('right')))
    assert.ok(error.message.includes(digest('wrong')))
    assert.match(error.message, /delete the folder/)
    return true
  })
})

test('a file that nobody recorded is refused', async () => {
  writeFileSync(join(folder, 'spark.jar'), 'right')
  writeFileSync(join(folder, 'other.jar'), 'other')
  await assert.rejects(verifyFolder(folder, { 'spark.jar': digest('right') }), /other\.jar/)
})

test('each missing prerequisite is one sentence: what, why, how to get it', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'kappa-bin-'))
  try {
    symlinkSync(process.execPath, join(bin, 'node'))
    const sentences = await missingPrerequisites({ PATH: bin })
    assert.deepEqual(
      sentences.map((sentence) => /^(.+?) is missing/.exec(sentence)?.[1]),
      ['npm', 'Java 17 or newer', 'Maven', 'Python 3 with pip'],
    )
    for (const sentence of sentences) assert.match(sentence, /: .+; install .+\.$/)

    const script = join(import.meta.dirname, '..', '..', 'setup', 'run.mjs')
    const run = spawnSync(join(bin, 'node'), [script, 'infra/local/main.ts'], {
      env: { PATH: bin },
      encoding: 'utf8',
    })
    assert.equal(run.status, 1)
    assert.match(run.stderr, /Java 17 or newer is missing/)
  } finally {
    rmSync(bin, { recursive: true, force: true })
  }
})
