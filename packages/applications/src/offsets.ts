import { type Static, Type } from 'typebox'
import type { ReadonlyDeep } from './readonly-deep.ts'

export const name = Type.String({ minLength: 1 })

export const offsetsByPartition = Type.Record(
  Type.String({ pattern: '^\\d+$' }),
  Type.String({ pattern: '^\\d+$' }),
  {
    additionalProperties: false,
    description: 'Offsets as decimal text, by partition: Kafka has 64 bits for them.',
  },
)

export const offsetsByTopic = Type.Record(name, offsetsByPartition, {
  description: 'Next offset to be read, by topic and partition.',
})

export type OffsetsByPartition = ReadonlyDeep<Static<typeof offsetsByPartition>>
export type OffsetsByTopic = ReadonlyDeep<Static<typeof offsetsByTopic>>
