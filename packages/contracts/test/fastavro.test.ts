import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askPython } from '@kappa/test/python'
import fc from 'fast-check'
import { at, encoderOf, recordOf } from './helpers.ts'
import { cases, throughJson } from './samples.ts'

const schemasCount = 400

interface Answer {
  readonly differences: readonly string[]
  /** Events that fastavro wrote as we did, to the byte. */
  readonly identical: number
}

test('fastavro reads what was meant, and writes the same bytes', async () => {
  const seed = Date.now()
  const asked = fc.sample(cases, { numRuns: schemasCount, seed }).map(({ schema, values }) => {
    const json = recordOf({ name: 'x', type: schema })
    const encoder = encoderOf(json)
    const events = values.map(({ sent, read }) => {
      const result = encoder.encode(throughJson({ k: 'a', at, x: sent }))
      assert.ok(result.ok, `seed ${seed}: ${JSON.stringify(result)}`)
      return { json: { k: 'a', at, x: read }, body: result.value.toString('base64', 5) }
    })
    return { schema: json, events }
  })
  const { differences, identical } = await askPython<Answer>('encode_values', asked)
  assert.deepEqual(differences, [], `seed ${seed}`)
  const events = asked.reduce((count, { events }) => count + events.length, 0)
  // The others hold decimals, which fastavro does not always write in the shortest form.
  assert.ok(identical > events / 2, `seed ${seed}: ${identical} of ${events}`)
})
