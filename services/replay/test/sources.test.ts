import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { Contracts } from '@kappa/contracts/contracts'
import { loadContracts } from '@kappa/contracts/load'
import { folderDiffers, requestRelease, withBoundsOf } from '../releases/release-request.ts'
import { bindSources, extendSources } from '../spark/sources.ts'

const key = { name: 'tail_number', type: 'string' }
const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }
const gate = { name: 'gate', type: 'string', default: '?' }
const needed = { name: 'runway', type: 'int' }

const definition: ApplicationDefinition = {
  application: 'shop',
  description: '',
  streams: { delays: { topic: 'delays', latenessMs: 0, undecodableEventsMax: 10 } },
  datasets: {},
  views: {},
  spark: { cores: 1, memory: '1g', shufflePartitions: 1 },
  changelog: { partitions: 1 },
}

/** Contracts of the topic `delays`, a list of fields for each version. */
async function contractsOf(...versions: readonly object[][]): Promise<Contracts> {
  const folder = await mkdtemp(join(tmpdir(), 'kappa-sources-test-'))
  try {
    await mkdir(join(folder, 'delays'))
    const topicFile = { key: 'tail_number', event_time: 'at', partitions: 1, compatibility: 'none' }
    await writeFile(join(folder, 'delays', 'topic.yaml'), JSON.stringify(topicFile))
    for (const [index, fields] of versions.entries()) {
      const schema = { type: 'record', name: 'Delay', fields }
      await writeFile(join(folder, 'delays', `${index + 1}.avsc`), JSON.stringify(schema))
    }
    return await loadContracts(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const first = [key, time]
const second = [key, time, gate]
const unrelated = [{ name: 'tail_number', type: 'int' }, time, needed]

function schemaIds(contracts: Contracts): number[] {
  return contracts.get('delays')?.versions.map(({ schemaId }) => schemaId) ?? []
}

test('a release decodes a version that came after it, onto the schema that it was made with', async () => {
  const made = bindSources(definition, await contractsOf(first))
  const newer = await contractsOf(first, second)
  const extended = extendSources(made, newer)
  assert.deepEqual(
    extended.delays?.versions.map(({ schemaId }) => schemaId),
    schemaIds(newer),
  )
  assert.equal(extended.delays?.readerSchema, made.delays?.readerSchema)
  assert.deepEqual(extended.delays?.columns, ['tail_number', 'at'])
  assert.deepEqual(extended.delays?.undecodableVersions, [])
})

test('nothing new gives the same sources, and an older folder takes no version away', async () => {
  const contracts = await contractsOf(first, second)
  const made = bindSources(definition, contracts)
  assert.equal(extendSources(made, contracts), made)
  assert.equal(extendSources(made, await contractsOf(first)), made)
})

test('a version that the reader schema cannot resolve is kept apart, with the reason', async () => {
  const made = bindSources(definition, await contractsOf(first))
  const newer = await contractsOf(first, unrelated)
  const { versions, undecodableVersions } = extendSources(made, newer).delays ?? {}
  assert.equal(versions?.length, 1)
  const [refused] = undecodableVersions ?? []
  assert.equal(refused?.version, 2)
  assert.equal(refused?.schemaId, schemaIds(newer)[1])
  assert.match(refused?.reason ?? '', /int cannot be read as string/)

  const history = bindSources(definition, newer).delays
  assert.deepEqual(
    history?.undecodableVersions?.map(({ version }) => version),
    [1],
    'a release of the newest version cannot read what came before it',
  )
})

test('bounds of the files reach a release that runs; anything else needs a new one', async () => {
  const context = { contracts: await contractsOf(first), namespace: 'test', epoch: 1 }
  const record: ReleaseRecord = requestRelease(definition, 1, context)
  const stream = { topic: 'delays', latenessMs: 0, undecodableEventsMax: 99 }
  const bounded = { ...definition, streams: { delays: stream } }
  assert.equal(folderDiffers(bounded, record), false)
  const { streams } = withBoundsOf(bounded, record).definition
  assert.equal(streams.delays?.undecodableEventsMax, 99)
  const later = { ...definition, streams: { delays: { ...stream, latenessMs: 1 } } }
  assert.equal(folderDiffers(later, record), true)
})
