import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { decode, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['gzip', 'zstd', 'wrong'], {
    environment: { KAPPA_HTTP_BODY_BYTES_MAX: '100000' },
  })
})
after(() => ingest.stop())

const encodings = { gzip: gzipSync, zstd: zstdCompressSync }

for (const [encoding, compress] of Object.entries(encodings)) {
  test(`${encoding} bodies are read like plain ones`, async () => {
    const events = Array.from({ length: 50 }, () => delay())
    const headers = { 'content-encoding': encoding }
    const json = compress(Buffer.from(JSON.stringify(events)))
    const { status, body } = await ingest.publish(encoding, json, { headers })
    assert.deepEqual([status, body.accepted], [200, 50])
    const log = await readLog(ingest.topic(encoding))
    assert.deepEqual(
      new Set(log.map((record) => decode(record).event_id)),
      new Set(events.map(({ event_id }) => event_id)),
    )
  })

  test(`${encoding}: the bound is on what it decompresses to`, async () => {
    const bomb = compress(Buffer.alloc(50_000_000, ' '))
    const headers = { 'content-encoding': encoding }
    const { status, body } = await ingest.publish('wrong', bomb, { headers })
    assert.deepEqual([status, body.error.code], [413, 'body_too_large'])
    assert.equal(await ingest.metric('kappa_ingest_body_bytes_in_flight'), 0)
  })

  test(`${encoding}: damaged and cut data is 400 with its cause`, async () => {
    const whole = compress(Buffer.from(JSON.stringify(delay())))
    const headers = { 'content-encoding': encoding }
    for (const wrong of [Buffer.from('{}'), whole.subarray(0, whole.length - 6)]) {
      const { status, body } = await ingest.publish('wrong', wrong, { headers })
      assert.deepEqual([status, body.error.code], [400, 'malformed_encoding'])
    }
    assert.deepEqual(await readLog(ingest.topic('wrong')), [])
  })
}

test('other encodings are 415 and named', async () => {
  const headers = { 'content-encoding': 'br' }
  const { status, body } = await ingest.publish('wrong', delay(), { headers })
  assert.deepEqual([status, body.error.code], [415, 'unsupported_media_type'])
  assert.match(body.error.message, /"br" is not supported\. Send gzip, zstd/)
})
