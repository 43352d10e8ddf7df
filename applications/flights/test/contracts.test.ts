import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import avsc from 'avsc'
import { parse } from 'yaml'
import { flightEvents } from '../sample/events.ts'

const SCHEMAS = new URL('../../../schemas/', import.meta.url)
const TOPICS = ['flights.departures', 'flights.arrivals']

async function contractOf(topic: string) {
  const schema: avsc.Schema = JSON.parse(
    await readFile(new URL(`${topic}/1.avsc`, SCHEMAS), 'utf8'),
  )
  const settings: Record<string, string> = parse(
    await readFile(new URL(`${topic}/topic.yaml`, SCHEMAS), 'utf8'),
  )
  return { schema, settings, type: avsc.Type.forSchema(schema, { noAnonymousTypes: true }) }
}

test('every event of the sample is valid under the contract of its topic', async () => {
  const types = new Map<string, avsc.Type>()
  for (const topic of TOPICS) types.set(topic, (await contractOf(topic)).type)

  for await (const { topic, event } of flightEvents()) {
    const record = Object.fromEntries(
      Object.entries(event).map(([field, value]) => [
        field,
        field.endsWith('_at') ? Date.parse(String(value)) : value,
      ]),
    )
    assert.ok(
      types.get(topic)?.isValid(record, { noUndeclaredFields: true }),
      `${event.event_id} is not valid: ${JSON.stringify(record)}`,
    )
  }
})

for (const topic of TOPICS) {
  test(`${topic}: topic.yaml names fields of the contract`, async () => {
    const { schema, settings } = await contractOf(topic)
    const { fields } = schema as avsc.schema.RecordType
    const time = fields.find(({ name }) => name === settings.event_time)

    assert.deepEqual(time?.type, { type: 'long', logicalType: 'timestamp-millis' })
    for (const role of ['key', 'id']) {
      assert.ok(
        fields.some(({ name }) => name === settings[role]),
        `${role} is no field`,
      )
    }
  })
}
