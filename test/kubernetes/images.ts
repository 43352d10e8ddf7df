import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Values } from './installation.ts'

const packageFile = join(import.meta.dirname, '..', '..', 'package.json')
const { version } = JSON.parse(readFileSync(packageFile, 'utf8'))

/** The chart's values for the images: those that the environment names, else as they are built here. */
export function imageValues(env: NodeJS.ProcessEnv = process.env): Values {
  const dev = (name: string) => (env[name] === undefined ? {} : { image: env[name] })
  return {
    image: imageOf(env.KAPPA_SERVICES_IMAGE ?? `kappa-services:${version}`),
    spark: { image: imageOf(env.KAPPA_SPARK_IMAGE ?? `kappa-spark:${version}`) },
    dev: {
      enabled: true,
      kafka: dev('KAPPA_KAFKA_IMAGE'),
      objectStore: dev('KAPPA_OBJECT_STORE_IMAGE'),
      redis: dev('KAPPA_REDIS_IMAGE'),
    },
  }
}

function imageOf(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(':')
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}
