import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { EventEncoder } from '@kappa/contracts/encoder'
import { defaultEncodeLimits, type EncodeLimits } from '@kappa/contracts/event-problem'
import { parseSchema } from '@kappa/contracts/parse-schema'
import type { RecordSchema } from '@kappa/contracts/schema'

const eventTime = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }
export const at = '2013-01-01T10:17:00.000Z'

/** The JSON of a record with key `k`, event time `at` and the given fields. */
export function recordOf(...fields: readonly unknown[]) {
  return {
    type: 'record',
    name: 'Event',
    fields: [{ name: 'k', type: 'string' }, eventTime, ...fields],
  }
}

export function parseRecord(json: unknown): RecordSchema {
  const { schema, problems } = parseSchema(json)
  assert.deepEqual(problems, [])
  assert.equal(schema?.type, 'record')
  return schema
}

export function encoderOf(json: unknown, limits: Partial<EncodeLimits> = {}): EventEncoder {
  const fields = { key: 'k', id: undefined, eventTime: 'at' }
  return new EventEncoder(parseRecord(json), 7, fields, { ...defaultEncodeLimits, ...limits })
}

/** A folder of contracts from `{'topic/file': content}`; objects are written as JSON. */
export async function folderOf(
  context: TestContext,
  files: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kappa-contracts-'))
  context.after(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }
  return folder
}
