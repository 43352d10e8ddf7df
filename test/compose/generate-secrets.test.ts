import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const script = join(import.meta.dirname, '..', '..', 'infra', 'compose', 'generate-secrets.sh')
const repository = mkdtempSync(join(tmpdir(), 'kappa-secrets-'))
after(() => rmSync(repository, { recursive: true }))

test('containers can read what is mounted into them, whatever the umask of the clone', () => {
  const umask = process.umask(0o077)
  try {
    // There are no schemas: they may be somewhere else.
    for (const folder of ['infra/compose', 'applications/flights']) {
      mkdirSync(join(repository, folder), { recursive: true })
      copyFileSync(script, join(repository, folder, 'generate-secrets.sh'))
    }
    const generate = () =>
      execFileSync('sh', [join(repository, 'infra/compose/generate-secrets.sh')], {
        env: { ...process.env, KAPPA_SECRETS_FOLDER: '' },
        encoding: 'utf8',
      })
    assert.match(generate(), /made .*redis-password/)
    assert.equal(generate(), '', 'what is there stays as it is')
  } finally {
    process.umask(umask)
  }
  for (const path of ['applications/flights', 'infra/compose']) {
    assert.equal(modeOf(path) & 0o005, 0o005, path)
    assert.equal(modeOf(path, 'generate-secrets.sh') & 0o004, 0o004, path)
  }
  assert.equal(modeOf('secrets'), 0o700)
  for (const name of readdirSync(join(repository, 'secrets'))) {
    assert.equal(modeOf('secrets', name), 0o444, name)
  }
})

function modeOf(...path: readonly string[]): number {
  return statSync(join(repository, ...path)).mode & 0o777
}
