import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectionError } from '../src/errors.ts'
import {
  eventCharactersMax,
  type ServerSentEvent,
  serverSentEvents,
} from '../src/server-sent-events.ts'

async function read(chunks: Iterable<Uint8Array>): Promise<ServerSentEvent[]> {
  async function* bytes() {
    yield* chunks
  }
  return Array.fromAsync(serverSentEvents(bytes()))
}

const text = [
  '\uFEFF: a comment\n',
  'event: replay\ndata: {"a":1}\n\n',
  'data:no space\r\ndata:  two spaces\r\n\r\n',
  'id: 7\nretry: 10\n\n',
  'id: a.1\nevent: row\ndata: 1\n\n',
  'data: 2\nid\n\n',
  'id: nul\0\ndata: 3\n\n',
  'data\r\r',
  'event: left\n\n',
  'data: größer → 🛫\n\n',
  'data: cut off\n',
].join('')
// By the rules of WHATWG HTML, 9.2.6.
const expected = [
  { event: 'replay', data: '{"a":1}', id: undefined },
  { event: 'message', data: 'no space\n two spaces', id: undefined },
  { event: 'row', data: '1', id: 'a.1' },
  { event: 'message', data: '2', id: '' },
  { event: 'message', data: '3', id: undefined },
  { event: 'message', data: '', id: undefined },
  { event: 'message', data: 'größer → 🛫', id: undefined },
]

test('events are read whatever line ends there are, and wherever the bytes are cut', async () => {
  assert.deepEqual(await read([Buffer.from(text)]), expected)
  const bytes = Buffer.from(text)
  assert.deepEqual(await read([...bytes].map((byte) => Buffer.of(byte))), expected)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const ends = [...cuts, bytes.length].sort((a, b) => a - b)
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
      assert.deepEqual(await read(chunks), expected)
    }),
  )
})

test('an event that is too long is refused before it fills the memory', async () => {
  const tooLong = (error: unknown) =>
    error instanceof ConnectionError && /longer/.test(error.message)
  const mebibytes = (4 * eventCharactersMax) / 1_048_576
  const line = Buffer.alloc(1_048_576, 'x')
  let taken = 0
  function* oneLine() {
    for (; taken < mebibytes; taken++) yield line
  }
  await assert.rejects(read(oneLine()), tooLong)
  assert.ok(taken <= eventCharactersMax / line.length + 1, `${taken} MiB were read`)
  function* manyLines() {
    for (let n = 0; n < mebibytes * 16; n++) yield Buffer.from(`data: ${'y'.repeat(65_536)}\n`)
  }
  await assert.rejects(read(manyLines()), tooLong)
})
