import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { callKappa, scratchFolder } from './run-kappa.ts'

const schemas = join(import.meta.dirname, '..', '..', '..', 'schemas')

test('contracts check: right contracts are 0; a broken one is 1, with file, line and rule', async () => {
  const right = await callKappa(['contracts', 'check', schemas])
  assert.deepEqual([right.code, right.stderr], [0, ''])
  assert.match(right.stdout, /: 2 topics, \d+ versions, no problem\.\n$/)

  const copy = join(scratchFolder(), 'schemas')
  await cp(schemas, copy, { recursive: true })
  const file = join(copy, 'flights.departures', '1.avsc')
  const first = JSON.parse(await readFile(file, 'utf8'))
  first.fields.push({ name: 'gate', type: 'string' })
  await writeFile(join(copy, 'flights.departures', '2.avsc'), JSON.stringify(first, undefined, 2))
  const wrong = await callKappa(['contracts', 'check', copy])
  assert.equal(wrong.code, 1)
  assert.match(
    wrong.stderr,
    /flights\.departures\/2\.avsc:\d+: not .*compatible with version 1: field "gate"/,
  )
})

test('contracts check --against: a published version that changed is told', async () => {
  const copy = join(scratchFolder(), 'schemas')
  await cp(schemas, copy, { recursive: true })
  const file = join(copy, 'flights.departures', '1.avsc')
  const changed = (await readFile(file, 'utf8')).replace('"name": "carrier"', '"name": "airline"')
  await writeFile(file, changed)
  const { code, stderr } = await callKappa(['contracts', 'check', copy, '--against', schemas])
  assert.equal(code, 1)
  assert.match(stderr, /flights\.departures\/1\.avsc/)
  assert.match(stderr, /versions compared with /)
})

test('contracts types: to the output or a file, and --check tells when it is outdated', async () => {
  const out = join(scratchFolder(), 'topics.ts')
  const shown = await callKappa(['contracts', 'types', schemas])
  assert.match(shown.stdout, /'flights\.departures': FlightsDepartures/)
  assert.equal((await callKappa(['contracts', 'types', schemas, '-o', out, '--check'])).code, 1)
  assert.equal((await callKappa(['contracts', 'types', schemas, '-o', out])).code, 0)
  assert.equal(await readFile(out, 'utf8'), shown.stdout)
  assert.equal((await callKappa(['contracts', 'types', schemas, '-o', out, '--check'])).code, 0)
  assert.equal((await callKappa(['contracts', 'types', schemas, '--check'])).code, 2)
})

test('help tells every command and its options; mistyped commands are guessed', async () => {
  const { code, stdout } = await callKappa(['--help'])
  assert.equal(code, 0)
  for (const name of ['publish', 'topics', 'contracts check', 'rejected resubmit']) {
    assert.match(stdout, new RegExp(`kappa ${name} `))
  }
  const publish = await callKappa(['publish', '--help'])
  for (const option of ['--disorder', '--from-line', '--rejected'])
    assert.ok(publish.stdout.includes(option))
  const group = await callKappa(['rejected', '--help'])
  assert.deepEqual(
    [group.stdout.includes('kappa rejected show'), group.stdout.includes('kappa publish')],
    [true, false],
  )
  const guessed = await callKappa(['rejected', 'resubmitt'])
  assert.equal(guessed.code, 2)
  assert.match(guessed.stderr, /did you mean "resubmit"\?/)
  assert.equal((await callKappa([])).code, 2)
})
