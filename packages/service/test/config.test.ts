import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '@kappa/service/config'
import {
  readHttpSettings,
  readKafkaSettings,
  readObjectStoreSettings,
} from '@kappa/service/settings'

test('every wrong variable is named with what it got and what it wants', () => {
  const environment = {
    KAPPA_HTTP_PORT: 'eighty',
    KAPPA_LOG_LEVEL: 'loud',
    KAPPA_KAFKA_BROKERS: 'a:1,,b:2',
  }
  assert.throws(
    () =>
      readConfig(environment, (read) => ({
        http: readHttpSettings(read, { port: 1, bodyBytesMax: 2_048 }),
        kafka: readKafkaSettings(read, 'test'),
      })),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.problems.length, 3)
      assert.match(
        error.message,
        /KAPPA_HTTP_PORT is "eighty"; it must be a whole number from 0 to 65535/,
      )
      assert.match(error.message, /KAPPA_LOG_LEVEL is "loud"; it must be trace \| debug/)
      assert.match(error.message, /KAPPA_KAFKA_BROKERS is "a:1,,b:2"/)
      return true
    },
  )
})

test('a time in milliseconds has its bounds, and ones that fit most waits when none are given', () => {
  const read = (value: string) =>
    readConfig({ WAIT_MS: value }, (reader) => reader.milliseconds('WAIT_MS', { default: 500 }))
  assert.equal(read(''), 500)
  assert.equal(read('3600000'), 3_600_000)
  assert.throws(() => read('9'), /WAIT_MS is "9".*from 10 to 3600000 \(milliseconds\)/)
})

test('a secret is read from a file and never quoted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-config-'))
  const file = join(folder, 's3.json')
  const environment = { KAPPA_S3_ENDPOINT: 'http://127.0.0.1:1', KAPPA_S3_CREDENTIALS_FILE: file }
  writeFileSync(file, '{"accessKeyId":"id","secretAccessKey":"hidden"}')
  assert.equal(readConfig(environment, readObjectStoreSettings).secretAccessKey, 'hidden')
  writeFileSync(file, '{"accessKeyId":"id","secretAccessKey":"hidden"')
  assert.throws(
    () => readConfig(environment, readObjectStoreSettings),
    (error) =>
      error instanceof ConfigError &&
      /not JSON/.test(error.message) &&
      !/hidden/.test(error.message),
  )
  rmSync(folder, { recursive: true })
})

test('origins of other pages are none by default, and must be origins', () => {
  const read = (value?: string) =>
    readConfig(value === undefined ? {} : { KAPPA_HTTP_CORS_ORIGINS: value }, (reader) =>
      readHttpSettings(reader, { port: 1, bodyBytesMax: 1_024 }),
    ).corsOrigins
  assert.deepEqual(read(), [])
  assert.deepEqual(read('https://app.example, http://127.0.0.1:5173'), [
    'https://app.example',
    'http://127.0.0.1:5173',
  ])
  assert.throws(() => read('app.example'), /KAPPA_HTTP_CORS_ORIGINS names "app.example".*origins/)
  assert.throws(() => read('https://app.example/path'), /origins such as/)
})
