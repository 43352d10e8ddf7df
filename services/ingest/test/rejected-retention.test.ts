import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askPython } from '@kappa/test/python'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { delay } from './fixture.ts'
import { Installation, type Listed } from './rejected-fixture.ts'

const dayMs = 86_400_000

test('payloads live as long as is configured, and their states as long as they', async () => {
  const installation = new Installation({
    KAPPA_INGEST_REJECTED_RETENTION_MS: String(3 * dayMs),
    KAPPA_INGEST_REJECTED_PARTITIONS: '2',
  })
  const ingest = await installation.start(['old'])
  try {
    const id = await ingest.reject('old', { ...delay(), delay_minutes: 'seven' })
    assert.equal((await ingest.post(`/v1/rejected/${id}/dismiss`)).status, 200)
    const asked = {
      brokers: testStack().kafkaBrokers,
      topic: `${installation.namespace}.rejected`,
    }
    const config = await askPython<Record<string, string>>('topic_config', asked)
    // Compaction would keep the payload of a key for ever, or lose its state.
    assert.equal(config['cleanup.policy'], 'delete')
    assert.equal(config['retention.ms'], String(3 * dayMs))
    assert.equal(config['message.timestamp.type'], 'LogAppendTime')
    assert.ok(Number(config['segment.ms']) <= dayMs, 'what is old does not stay with what is new')

    await askPython('topic_config', { ...asked, delete_all: true })
    const gone = await ingest.get(`/v1/rejected/${id}`)
    assert.deepEqual([gone.status, gone.body.error.code], [404, 'unknown_rejection'])
    await until(
      async () => (await ingest.get<Listed>('/v1/rejected')).body.rejections,
      (listed) => listed.length === 0,
    )
    const again = await installation.start(['old'])
    assert.deepEqual((await again.get<Listed>('/v1/rejected')).body.rejections, [])
    await again.stop()
  } finally {
    await ingest.stop()
  }
})
