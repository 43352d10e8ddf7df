import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Contract } from '@kappa/contracts/contract'
import { loadContracts } from '@kappa/contracts/load'
import { Health } from '@kappa/service/health'
import { createHttp, type Http } from '@kappa/service/http'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { readIngestConfig } from '../config.ts'
import type { PublishableVersions } from '../contracts/publishable-versions.ts'
import { registryRoutes } from '../registry/routes.ts'
import { Subjects } from '../registry/subjects.ts'
import { contractFiles, delaySchema, schemasFolder } from './fixture.ts'

const optional = { name: 'gate', type: ['null', 'string'], default: null }
const second = { ...delaySchema, fields: [...delaySchema.fields, optional] }
const third = { ...second, fields: [...second.fields, { ...optional, name: 'terminal' }] }
const registryType = 'application/vnd.schemaregistry.v1+json'
/** Version 3 of `delays` is the one that a running release cannot decode. */
const blockedVersion = 3

let http: Http
let contract: Contract

before(async () => {
  const folder = await schemasFolder({
    ...contractFiles('delays'),
    'delays/2.avsc': JSON.stringify(second, null, 2),
    'delays/3.avsc': JSON.stringify(third),
    ...contractFiles('late.arrivals', { compatibility: 'backward' }),
  })
  const contracts = await loadContracts(folder)
  contract = contracts.get('delays') ?? assert.fail()
  const publishable: Pick<PublishableVersions, 'verdicts'> = {
    verdicts: ({ topic, versions }) =>
      versions.map((version) => {
        const blocked = topic === 'delays' && version.n === blockedVersion
        const reason = 'it was started before'
        const release = { application: 'flights', release: 7, reason, restart_helps: true }
        return { version, blockedBy: blocked ? [release] : [] }
      }),
  }
  http = await createHttp({
    title: 'registry',
    description: '',
    settings: readIngestConfig({ KAPPA_KAFKA_BROKERS: 'none:1', KAPPA_SCHEMAS_FOLDER: folder })
      .http,
    logger: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    health: new Health(),
  })
  await registryRoutes(http, new Subjects(contracts, publishable))
  await http.ready()
})
after(() => http.close())

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: unknown,
  type: string = registryType,
): Promise<Answer> {
  const headers = payload === undefined ? {} : { 'content-type': type }
  const body = payload === undefined ? {} : { payload: text(payload) }
  const response = await http.inject({ method, url, headers, ...body })
  assert.match(String(response.headers['content-type']), /^application\/vnd\.schemaregistry\.v1/)
  return { status: response.statusCode, body: response.json() as unknown }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const get = async (url: string) => (await ask('GET', url)).body
const versionOf = (n: number) => {
  const { schemaId: id, schemaText: schema } = contract.versions[n - 1] ?? assert.fail()
  return { subject: 'delays-value', version: n, id, schema }
}

/** The registry's code, which its clients decide by, and what the message has to say. */
async function refused(
  answer: Promise<Answer>,
  status: number,
  code: number,
  message: RegExp,
): Promise<void> {
  const { status: got, body } = await answer
  const error = body as { error_code: number; message: string }
  assert.deepEqual([got, error.error_code], [status, code], error.message)
  assert.match(error.message, message)
}

test('subjects are the topics, in order, by prefix and in pages', async () => {
  assert.deepEqual(await get('/subjects'), ['delays-value', 'late.arrivals-value'])
  assert.deepEqual(await get('/subjects?deleted=false&deleted_only=False&offset=1&limit=-1'), [
    'late.arrivals-value',
  ])
  assert.deepEqual(await get('/subjects?subjectPrefix=delays'), ['delays-value'])
  assert.deepEqual(await get('/subjects?subjectPrefix=%3A*%3A&limit=1'), ['delays-value'])
  await refused(ask('GET', '/subjects?limit=some'), 422, 422, /limit/)
})

test('a producer finds only what every release can decode: lists, latest, lookup', async () => {
  assert.deepEqual(await get('/subjects/delays-value/versions'), [1, 2])
  assert.deepEqual(await get('/subjects/delays-value/versions/latest'), versionOf(2))
  assert.deepEqual(await get('/subjects/delays-value/versions/-1'), versionOf(2))
  const all = (await get('/schemas')) as { subject: string; version: number }[]
  assert.deepEqual(
    all.map(({ subject, version }) => [subject, version]),
    [
      ['delays-value', 1],
      ['delays-value', 2],
      ['late.arrivals-value', 1],
    ],
  )
  const latest = (await get('/schemas?latestOnly=True&subjectPrefix=del')) as unknown[]
  assert.deepEqual(latest, [versionOf(2)])
  const wanted = { schema: JSON.stringify(third) }
  for (const url of ['/subjects/delays-value', '/subjects/delays-value/versions']) {
    await refused(ask('POST', url, wanted), 404, 40403, /version 3.*flights\/7 \(it was started/)
  }
})

test('a consumer finds every version by id and by number', async () => {
  for (const n of [1, 2, blockedVersion]) {
    const { id, schema } = versionOf(n)
    assert.deepEqual(await get(`/schemas/ids/${id}`), { schema })
    assert.deepEqual(await get(`/schemas/ids/${id}?subject=delays-value&fetchMaxId=false`), {
      schema,
    })
    assert.deepEqual(await get(`/schemas/ids/${id}/schema`), JSON.parse(schema))
    assert.deepEqual(await get(`/subjects/delays-value/versions/${n}`), versionOf(n))
    assert.deepEqual(await get(`/subjects/delays-value/versions/${n}/schema`), JSON.parse(schema))
  }
})

test('a schema of two topics has one id, and both are listed', async () => {
  const { id } = versionOf(1)
  assert.deepEqual(await get(`/schemas/ids/${id}/subjects`), [
    'delays-value',
    'late.arrivals-value',
  ])
  assert.deepEqual(await get(`/schemas/ids/${id}/versions`), [
    { subject: 'delays-value', version: 1 },
    { subject: 'late.arrivals-value', version: 1 },
  ])
  assert.deepEqual(await get(`/schemas/ids/${id}/versions?subject=delays-value&deleted=true`), [
    { subject: 'delays-value', version: 1 },
  ])
})

test('a schema is found however it is written; another one is not', async () => {
  const { fields, ...head } = second
  const rewritten = {
    fields: fields.map((field) => ({ doc: 'said otherwise', ...field })),
    doc: 'the same to Avro',
    ...head,
  }
  for (const url of ['/subjects/delays-value', '/subjects/delays-value?normalize=true&deleted=f']) {
    const { status, body } = await ask('POST', url, { schema: JSON.stringify(rewritten) })
    assert.deepEqual([status, body], [200, versionOf(2)])
  }
  const typed = { schemaType: 'AVRO', references: [], schema: JSON.stringify(second) }
  const { body } = await ask('POST', '/subjects/delays-value', typed, 'application/json')
  assert.deepEqual(body, versionOf(2))
  const other = { schema: JSON.stringify({ ...second, name: 'Other' }) }
  await refused(ask('POST', '/subjects/delays-value', other), 404, 40403, /latest/)
})

test('a serializer that registers first works with a schema of the contract, no other', async () => {
  const known = { schema: JSON.stringify(second) }
  const registered = await ask('POST', '/subjects/delays-value/versions?normalize=False', known)
  assert.deepEqual([registered.status, registered.body], [200, versionOf(2)])
  const added = { ...optional, name: 'door' }
  const fourth = { schema: JSON.stringify({ ...third, fields: [...third.fields, added] }) }
  const answer = ask('POST', '/subjects/delays-value/versions', fourth)
  await refused(answer, 422, 42205, /live in git.*schemas\/<topic>/)
})

test('compatibility is tested by the mode of the topic, against what the next version follows', async () => {
  const url = '/compatibility/subjects/delays-value/versions'
  const added = { ...optional, name: 'door' }
  const next = { schema: JSON.stringify({ ...third, fields: [...third.fields, added] }) }
  assert.deepEqual((await ask('POST', `${url}/latest`, next)).body, { is_compatible: true })
  assert.deepEqual((await ask('POST', `${url}?verbose=true`, next)).body, {
    is_compatible: true,
    messages: [],
  })
  // Without a default, old readers could not read it, nor it what is in the log.
  const required = { name: 'door', type: 'string' }
  const wrong = { schema: JSON.stringify({ ...third, fields: [...third.fields, required] }) }
  for (const each of [url, `${url}/latest`, `${url}/1`]) {
    const { body } = await ask('POST', `${each}?verbose=True`, wrong)
    const { is_compatible, messages } = body as { is_compatible: boolean; messages: string[] }
    assert.equal(is_compatible, false)
    assert.match(messages.join('\n'), /backward compatible.*"door".*missing_default/)
  }
  // Another type for a field of version 3, which only the newest version has.
  const terminal = { name: 'terminal', type: ['null', 'int'], default: null }
  const changed = { schema: JSON.stringify({ ...second, fields: [...second.fields, terminal] }) }
  assert.deepEqual((await ask('POST', `${url}/latest`, changed)).body, { is_compatible: false })
  assert.deepEqual((await ask('POST', `${url}/2`, changed)).body, { is_compatible: true })
  assert.deepEqual((await ask('POST', url, changed)).body, { is_compatible: false })
})

test('config and mode', async () => {
  assert.deepEqual(await get('/config'), { compatibilityLevel: 'FULL_TRANSITIVE' })
  assert.deepEqual(await get('/config/late.arrivals-value'), { compatibilityLevel: 'BACKWARD' })
  assert.deepEqual(await get('/config/delays-value?defaultToGlobal=true'), {
    compatibilityLevel: 'FULL_TRANSITIVE',
  })
  assert.deepEqual(await get('/config/none-value?defaultToGlobal=true'), {
    compatibilityLevel: 'FULL_TRANSITIVE',
  })
  assert.deepEqual(await get('/mode'), { mode: 'READONLY' })
  assert.deepEqual(await get('/mode/delays-value'), { mode: 'READONLY' })
  assert.deepEqual(await get('/schemas/types'), ['AVRO'])
})

test('whatever would change a contract is refused and says where contracts live', async () => {
  const changes = [
    ['PUT', '/config', { compatibility: 'NONE' }],
    ['PUT', '/config/delays-value', { compatibility: 'NONE' }],
    ['DELETE', '/config/delays-value', undefined],
    ['PUT', '/mode', { mode: 'READWRITE' }],
    ['PUT', '/mode/delays-value', { mode: 'IMPORT' }],
    ['DELETE', '/subjects/delays-value?permanent=true', undefined],
    ['DELETE', '/subjects/delays-value/versions/1', undefined],
  ] as const
  for (const [method, url, body] of changes) {
    await refused(ask(method, url, body), 422, 42205, /contracts live in git/)
  }
})

test("errors have the registry's codes and say what to do", async () => {
  const { id } = versionOf(1)
  const unused = id === 1 ? 2 : 1
  const body = { schema: '"string"' }
  await refused(ask('GET', '/subjects/delay-value/versions'), 404, 40401, /mean "delays-value"/)
  await refused(ask('GET', '/subjects/delays-key/versions/latest'), 404, 40401, /plain UTF-8 text/)
  await refused(ask('POST', '/subjects/delays', body), 404, 40401, /<topic>-value/)
  await refused(ask('GET', '/config/none-value'), 404, 40401, /none-value/)
  await refused(ask('GET', '/subjects/delays-value/versions/4'), 404, 40402, /versions 1 to 3/)
  await refused(ask('GET', '/subjects/delays-value/versions/0'), 422, 42202, /from 1 to 2147483647/)
  await refused(ask('GET', '/subjects/delays-value/versions/newest'), 422, 42202, /"latest"/)
  for (const rest of ['', '/schema', '/subjects', '/versions']) {
    await refused(ask('GET', `/schemas/ids/${unused}${rest}`), 404, 40403, /no contract/i)
  }
  await refused(ask('GET', '/schemas/ids/2147483648'), 422, 422, /params/)
  const lookup = '/subjects/delays-value'
  await refused(ask('POST', lookup, { schema: '{"type": "recrod"}' }), 422, 42201, /recrod/)
  await refused(ask('POST', lookup, { schema: '{' }), 422, 42201, /not valid JSON/)
  await refused(ask('POST', lookup, {}), 422, 42201, /schema/)
  await refused(ask('POST', lookup, { ...body, schemaType: 'JSON' }), 422, 42201, /AVRO/)
  await refused(ask('POST', lookup, { ...body, references: [{}] }), 422, 42201, /one document/)
  await refused(ask('POST', lookup, '{'), 400, 400, /JSON/)
  await refused(ask('POST', lookup, '{"__proto__": {}, "schema": "1"}'), 400, 400, /./)
  await refused(ask('POST', lookup, 'x', 'text/plain'), 415, 415, /./)
  const deep = `${'{"type":"array","items":'.repeat(5_000)}"int"${'}'.repeat(5_000)}`
  await refused(ask('POST', lookup, { schema: deep }), 422, 42201, /deeper than/)
  const large = { schema: ' '.repeat(4_200_000) }
  await refused(ask('POST', lookup, large), 413, 413, /large/)
})
