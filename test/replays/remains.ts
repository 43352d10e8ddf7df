import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectKafka } from '@kappa/kafka/connect'
import { ObjectStore } from '@kappa/replay/object-store'
import { Redis } from 'ioredis'
import type { Platform } from '../platform/platform.ts'
import { testStack } from '../stack.ts'

/** What Kafka, the object store, Redis and the machine have of a release, each by its name. */
export async function remainsOf(
  platform: Platform,
  namespace: string,
  release: number,
): Promise<string[]> {
  const parts = [inKafka, inObjectStore, inRedis]
  const found = await Promise.all(parts.map((part) => part(platform, namespace, release)))
  const folder = join(platform.folder, 'spark', `flights-${release}`)
  return [...found.flat(), ...(existsSync(folder) ? [folder] : [])]
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

async function inKafka(_: Platform, namespace: string, release: number): Promise<string[]> {
  const kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'remains',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  try {
    const [topics, groups] = await Promise.all([kafka.admin.listTopics(), kafka.admin.listGroups()])
    const changelogs = `${namespace}.changelog.flights.${release}.`
    return [
      ...topics.filter((topic) => topic.startsWith(changelogs)),
      ...groups.filter((group) => group === `${namespace}.results.flights.${release}`),
    ]
  } finally {
    await kafka.close()
  }
}

async function inObjectStore(_: Platform, namespace: string, release: number): Promise<string[]> {
  const { endpoint, region, bucket, credentialsFile } = testStack().s3
  const credentials = JSON.parse(readFileSync(credentialsFile, 'utf8'))
  const store = new ObjectStore({ endpoint, region, bucket, ...credentials }, namespace)
  const found: string[] = []
  for (const kind of ['checkpoints', 'datasets']) {
    const folder = `${kind}/flights/${release}/`
    if (await store.holdsAny(folder)) found.push(folder)
  }
  return found
}

async function inRedis(platform: Platform, namespace: string, release: number): Promise<string[]> {
  const password = readFileSync(testStack().redisPasswordFile, 'utf8').trim()
  const redis = new Redis(platform.redisUrl, { password })
  try {
    return (await redis.keys(`${namespace}:*`)).filter((key) =>
      key.includes(`{flights/${release}/`),
    )
  } finally {
    redis.disconnect()
  }
}
