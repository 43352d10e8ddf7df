import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runKappa, scratchFolder } from './run-kappa.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folder = scratchFolder()

/** Errors of the compiler by line of the source, from 1; empty when it compiles. */
async function compile(source: string): Promise<Map<number, string>> {
  await writeFile(join(folder, 'source.ts'), source)
  const { stdout, code } = await new Promise<{ stdout: string; code: number }>((resolve) => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    execFile(
      process.execPath,
      [tsc, '--project', folder, '--pretty', 'false'],
      { cwd: folder },
      (error, stdout) => resolve({ stdout, code: error === null ? 0 : 1 }),
    )
  })
  const found = [...stdout.matchAll(/^source\.ts\((\d+),\d+\): error TS\d+: (.*(?:\n .*)*)$/gm)]
  assert.equal(code === 0, found.length === 0, stdout)
  return new Map(found.map(([, line, message = '']) => [Number(line), message]))
}

async function prepare(): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      include: ['*.ts'],
      compilerOptions: { typeRoots: [join(root, 'node_modules', '@types')] },
    }),
  )
  const out = join(folder, 'topics.ts')
  const { code, stderr } = await runKappa(['contracts', 'types', 'schemas', '--out', out], {
    cwd: root,
  })
  assert.equal(code, 0, stderr)
}

const head = `import { Publisher } from '@kappa/client/publisher'
import type { Topics } from './topics.ts'
const publisher = new Publisher<Topics>({ url: 'http://127.0.0.1:4001' })
`
const departure = {
  event_id: "'e'",
  carrier: "'UA'",
  flight: '1',
  tail_number: 'null',
  origin: "'EWR'",
  destination: "'SFO'",
  scheduled_at: 'new Date()',
  departed_at: "'2013-02-01T12:07:00Z'",
  delay_minutes: '7',
  distance_miles: '2565',
}
const publish = (changes: Record<string, string | undefined>, topic = 'flights.departures') => {
  const fields = Object.entries({ ...departure, ...changes }).filter(
    ([, value]) => value !== undefined,
  )
  const event = fields.map(([name, value]) => `${name}: ${value}`).join(', ')
  return `void publisher.publish('${topic}', { ${event} })`
}

test('an event of the wrong shape, or an unknown topic, does not compile; the right one does', async () => {
  await prepare()
  const right = [publish({}), publish({ tail_number: undefined }), publish({ tail_number: "'N1'" })]
  const wrong: [string, RegExp][] = [
    [publish({ delay_minutes: "'7'" }), /string/],
    [publish({ carrier: undefined }), /carrier/],
    [publish({ carier: "'UA'" }), /carier/],
    [publish({}, 'flights.departure'), /flights\.departure/],
    ["void publisher.publishAll('flights.departures', [{ event_id: 'e' }])", /carrier/],
  ]
  const source = `${head}${[...right, ...wrong.map(([text]) => text)].join('\n')}\nexport {}\n`
  const errors = await compile(source)
  const first = head.split('\n').length + right.length
  assert.deepEqual(
    [...errors.keys()],
    wrong.map((_, index) => first + index),
  )
  for (const [index, [text, message]] of wrong.entries()) {
    assert.match(errors.get(first + index) ?? '', message, text)
  }
})
