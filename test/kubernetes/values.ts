import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export type Values = Readonly<Record<string, unknown>>

const packageFile = join(import.meta.dirname, '..', '..', 'package.json')
const { version } = JSON.parse(readFileSync(packageFile, 'utf8'))

/**
 * The chart's values for the cluster that the tests run on: images as the environment names them,
 * else as they are built here, and on top of that what the file KAPPA_TEST_VALUES_FILE says, for
 * example of storage.
 */
export function clusterValues(env: NodeJS.ProcessEnv = process.env): Values {
  const dev = (name: string) => (env[name] === undefined ? {} : { image: env[name] })
  const images = {
    image: imageOf(env.KAPPA_SERVICES_IMAGE ?? `kappa-services:${version}`),
    spark: { image: imageOf(env.KAPPA_SPARK_IMAGE ?? `kappa-spark:${version}`) },
    dev: {
      enabled: true,
      kafka: dev('KAPPA_KAFKA_IMAGE'),
      objectStore: dev('KAPPA_OBJECT_STORE_IMAGE'),
      redis: dev('KAPPA_REDIS_IMAGE'),
    },
  }
  const file = env.KAPPA_TEST_VALUES_FILE
  return file === undefined ? images : merged(images, parse(readFileSync(file, 'utf8')))
}

/** Values with others on top, as Helm merges them. */
export function merged(values: Values, other: Values): Values {
  const result: Record<string, unknown> = { ...values }
  for (const [name, value] of Object.entries(other)) {
    const before = result[name]
    result[name] = isMap(before) && isMap(value) ? merged(before, value) : value
  }
  return result
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function imageOf(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(':')
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}
