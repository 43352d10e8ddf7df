import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '@kappa/service/config'
import { testStack } from '@kappa/test/stack'
import { readReplayConfig } from '../../config.ts'
import { storeOfStack } from './store-of-stack.ts'

const folder = join(testStack().stateFolder, 'static-settings')
mkdirSync(folder, { recursive: true })
const { redisUrl, redisPasswordFile, s3 } = testStack()
const slot = { address: 'spark:15002', cores: 2, memory: '1g' }
const tokenFile = written('token', 'a token\n')
const slots = ['live', 'replay'].map((name) => ({
  ...slot,
  name,
  address: `${name}:15002`,
  tokenFile,
}))

function written(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function read(slotsText: string, more: Record<string, string> = {}) {
  return readReplayConfig({
    KAPPA_KAFKA_BROKERS: testStack().kafkaBrokers,
    KAPPA_S3_ENDPOINT: storeOfStack().endpoint,
    KAPPA_S3_CREDENTIALS_FILE: s3.credentialsFile,
    KAPPA_REDIS_URL: redisUrl,
    KAPPA_REDIS_PASSWORD_FILE: redisPasswordFile,
    KAPPA_SCHEMAS_FOLDER: folder,
    KAPPA_APPLICATIONS_FOLDER: folder,
    KAPPA_LAUNCHER: 'static',
    KAPPA_STATIC_SLOTS_FILE: written('slots.json', slotsText),
    ...more,
  })
}

test('slots are read with their tokens, and there are as many clusters as slots', () => {
  const config = read(JSON.stringify(slots))
  const { launcher } = config
  assert.ok(launcher.kind === 'static')
  const [first] = launcher.slots
  assert.deepEqual(first, { ...slot, name: 'live', address: 'live:15002', token: 'a token' })
  assert.equal(config.replays.clustersMax, 2)
  const fewer = read(JSON.stringify(slots), { KAPPA_CLUSTERS_MAX: '1' })
  assert.equal(fewer.replays.clustersMax, 1)
})

test('what is wrong with slots is told, with what it must be', () => {
  const [first, second] = slots
  const wrong: [slots: string, more: Record<string, string>, told: RegExp][] = [
    ['[', {}, /KAPPA_STATIC_SLOTS_FILE names a file that cannot be read .*JSON file that lists/],
    ['[]', {}, /names a file in which it must not have fewer than 1 items/],
    [JSON.stringify([{ ...first, cores: 0 }]), {}, /in which 0\/cores must be >= 1/],
    [JSON.stringify([{ ...first, token: 'x' }]), {}, /in which 0\/token is not known/],
    [JSON.stringify([{ ...first, address: 'http://spark' }]), {}, /in which 0\/address/],
    [JSON.stringify([first, { ...second, name: 'live' }]), {}, /two slots with the name live/],
    [JSON.stringify([first, { ...second, address: 'live:15002' }]), {}, /the address live:15002/],
    [JSON.stringify([{ ...first, tokenFile: '/none' }]), {}, /a tokenFile that cannot be read/],
    [JSON.stringify(slots), { KAPPA_CLUSTERS_MAX: '3' }, /CLUSTERS_MAX.*from 1 to 2 \(slots\)/],
    [JSON.stringify(slots), { KAPPA_STATIC_SECRETS_FOLDER: 'here' }, /must be an absolute path/],
  ]
  for (const [text, more, told] of wrong) {
    assert.throws(
      () => read(text, more),
      (error: Error) => {
        assert.ok(error instanceof ConfigError, String(error.stack))
        assert.match(error.message, told)
        return true
      },
    )
  }
})
