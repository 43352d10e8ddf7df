import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

/** What a process prints that logs this: pino writes past anything that a test could listen to. */
function printed(fields: string): string {
  const script = `
    import { createLogger } from '@kappa/service/logger'
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
