import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** What a process prints that logs this: pino writes past anything that a test could listen to. */
function printed(fields: string, before = ''): string {
  const script = `
    import { createLogger } from '@kappa/service/logger'
    ${before}
    createLogger('test', 'info').warn(${fields}, 'said')`
  const args = ['--input-type=module', '--eval', script]
  return execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })
}

test('what is named like a secret is not logged', () => {
  const line = printed(`{ password: 'hunter2', redis: { password: 'hunter2', url: 'redis://r' } }`)
  assert.match(line, /redis:\/\/r/)
  assert.doesNotMatch(line, /hunter2/)
})

test('the command that Redis refused is logged without its arguments', () => {
  const command = `{ name: 'hello', args: ['3', 'AUTH', 'default', 'hunter2'] }`
  const line = printed(`{ err: Object.assign(new Error('WRONGPASS'), { command: ${command} }) }`)
  assert.match(line, /WRONGPASS/)
  assert.match(line, /"name":"hello"/)
  assert.doesNotMatch(line, /hunter2/)
})

test('what looks like a secret is taken out of messages, causes and stacks', () => {
  const secrets = [
    'redis://default:hunter2-a@redis:6379/1 refused',
    'http://s3/bucket/file?X-Amz-Credential=hunter2-b&X-Amz-Signature=hunter2-c&x=1',
    'authorization: Bearer hunter2-d.e_f',
    'sasl.jaas.config=x.ScramLoginModule required username="u" password="hunter2-g";',
    'fs.s3a.secret.key=hunter2-h',
    '-----BEGIN PRIVATE KEY-----\\nhunter2-i\\n-----END PRIVATE KEY-----',
  ].map((text) => `'${text}'`)
  for (const text of secrets) {
    const line = printed(
      `{ err: new Error('outer', { cause: new Error(${text}) }), text: ${text} }`,
    )
    assert.doesNotMatch(line, /hunter2/)
    assert.match(line, /\[redacted\]/)
    assert.equal(JSON.parse(line).msg, 'said')
  }
  const deep = printed(`{ a: { b: { c: { d: { password: 'hunter2 \\" x' } } } } }`)
  assert.doesNotMatch(deep, /hunter2/)
  assert.equal(JSON.parse(deep).msg, 'said')
  const kept = printed(`{ url: 'http://s3:9000/bucket', err: new Error('no route to s3:9000@x') }`)
  assert.doesNotMatch(kept, /redacted/)
})

test('what was read from a file of secrets is taken out wherever it appears', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-secret-'))
  try {
    const file = join(folder, 'password')
    writeFileSync(file, 'pa"ss/word\n')
    const before = `
      import { readConfig } from '@kappa/service/config'
      const secret = readConfig({ FILE: ${JSON.stringify(file)} }, (read) => read.secretFile('FILE'))`
    const line = printed(`{ note: 'it said ' + secret, err: new Error('bad ' + secret) }`, before)
    assert.doesNotMatch(line, /ss.?.?word/)
    assert.match(JSON.parse(line).note, /^it said \[redacted\]$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
