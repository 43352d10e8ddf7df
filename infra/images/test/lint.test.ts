import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { pythonProgram } from '../../../test/python.ts'

const root = join(import.meta.dirname, '..', '..', '..')

function filesOf(pattern: string): string[] {
  const files = globSync(pattern, { cwd: root, exclude: (name) => name === 'node_modules' })
  assert.ok(files.length > 0, `no file is like ${pattern}`)
  return files
}

/** Standard output of a linter, which is empty when it finds nothing. */
async function lint(program: string, files: readonly string[]): Promise<string> {
  const run = promisify(execFile)(pythonProgram(program), files, { cwd: root })
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  return stdout
}

test('hadolint has nothing to say about the Dockerfiles', async () => {
  assert.equal(await lint('hadolint', filesOf('infra/images/**/Dockerfile')), '')
})

test('shellcheck has nothing to say about the shell scripts', async () => {
  assert.equal(await lint('shellcheck', filesOf('{infra,packages}/**/*.sh')), '')
})
