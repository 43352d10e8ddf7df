import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InputEvent, type InputItem, InputProblem } from '../src/cli/input/input-item.ts'
import { jsonValues } from '../src/cli/input/json-values.ts'
import { ndjsonEvents } from '../src/cli/input/ndjson-events.ts'

async function* cut(text: string, at: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += at) yield bytes.subarray(start, start + at)
}

async function collect(items: AsyncIterable<InputItem>): Promise<InputItem[]> {
  const all: InputItem[] = []
  for await (const item of items) all.push(item)
  return all
}

const texts = (items: readonly InputItem[]) =>
  items.map((item) => (item instanceof InputEvent ? JSON.parse(item.text) : item))
const atLines = (items: readonly InputItem[]) => items.map(({ line }) => line)

test('an array of any JSON, however printed and however cut, gives its items', async () => {
  const indent = fc.constantFrom(undefined, 1, '\t')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      indent,
      fc.integer({ min: 1, max: 50 }),
      async (values, space, size) => {
        const text = JSON.stringify(values, undefined, space)
        const expected = JSON.parse(text)
        assert.deepEqual(texts(await collect(jsonValues(cut(text, size)))), expected)
        const objects = expected.map((value: unknown) => ({ value }))
        const joined = objects
          .map((each: object) => JSON.stringify(each, undefined, space))
          .join('\n')
        assert.deepEqual(texts(await collect(jsonValues(cut(joined, size)))), objects)
      },
    ),
  )
})

test('NDJSON, however cut, gives its lines with their numbers; blank ones count as lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.dictionary(fc.string(), fc.jsonValue()))),
      fc.integer({ min: 1, max: 50 }),
      async (values, size) => {
        const lines = values.map((value) => (value === null ? ' ' : JSON.stringify(value)))
        const found = await collect(ndjsonEvents(cut(lines.join('\r\n'), size), true))
        const expected = values.flatMap((value, index) => (value === null ? [] : [index + 1]))
        assert.deepEqual(atLines(found), expected)
        assert.deepEqual(
          texts(found),
          JSON.parse(JSON.stringify(values.filter((value) => value !== null))),
        )
      },
    ),
  )
})

test('JSON events have the line that they begin on, and a wrong one does not end the rest', async () => {
  const found = await collect(
    jsonValues(cut('[\n {"a":1},\n\n {"a":\n oops},\n {"a":"]}\\""} ]\n', 5)),
  )
  assert.deepEqual(atLines(found), [2, 4, 6])
  assert.ok(found[1] instanceof InputProblem)
  assert.deepEqual([found[1].error.code, found[1].raw], ['malformed_json', '{"a":\n oops}'])
})

test('an array that does not end, or that something follows, is told with its line', async () => {
  await assert.rejects(
    collect(jsonValues(cut('[{"a":1},\n', 99))),
    /the JSON array does not end \(line 2\)/,
  )
  await assert.rejects(collect(jsonValues(cut('[\n{"a":[1}', 99))), /begins on line 2 does not end/)
  await assert.rejects(
    collect(jsonValues(cut('[]\n{}', 99))),
    /line 2: the array of events is followed/,
  )
})

test('bytes that are not UTF-8 are told, not replaced', async () => {
  async function* bytes() {
    yield Buffer.from('{"a":"\xff"}\n{"a":1}\n', 'latin1')
  }
  for (const items of [
    await collect(ndjsonEvents(bytes(), false)),
    await collect(jsonValues(bytes())),
  ]) {
    assert.equal(items.length, 2)
    assert.ok(items[0] instanceof InputProblem)
    assert.match(items[0].error.message, /not valid UTF-8/)
  }
})
