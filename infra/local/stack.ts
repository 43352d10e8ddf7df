import { join } from 'node:path'
import { claimPidFile, removePidFile } from '@kappa/processes/pid-file'
import { type Child, type ChildSpec, lastLines, startChild } from './child.ts'
import type { ComponentContext } from './component.ts'
import { type Components, readComponents } from './components.ts'
import { startKafka } from './kafka.ts'
import { sweepLeftovers } from './leftovers.ts'
import { LocalError } from './local-error.ts'
import { BUCKET, REGION, startObjectStore } from './object-store.ts'
import { startRedis } from './redis.ts'
import { ensureSecrets } from './secrets.ts'

const LEFTOVER_STOP_TIMEOUT_MS = 10_000

export interface StackOptions {
  /** Everything the stack writes is below it: data, logs, secrets, configuration. */
  readonly stateFolder: string
  /** Wishes; a free port is found when taken. Left out or 0: any. */
  readonly ports?: { readonly kafka?: number; readonly s3?: number; readonly redis?: number }
  readonly components?: Components
  readonly kafkaHeap?: string
  readonly redisMemoryMbMax?: number
  /** Aborting it stops a stack that is on its way up. */
  readonly signal?: AbortSignal
}

/** How to reach the parts. */
export interface StackConnection {
  readonly kafkaBrokers: string
  readonly redisUrl: string
  readonly redisPasswordFile: string
  readonly s3: {
    readonly endpoint: string
    readonly region: string
    readonly bucket: string
    readonly credentialsFile: string
  }
}

export interface Stack {
  readonly connection: StackConnection
  readonly stateFolder: string
  readonly components: Components
  /** What runs, in the order of its start. */
  readonly children: readonly Child[]
  /** Names of what an earlier run had left and this one ended. */
  readonly swept: readonly string[]
  /** Rejects with a LocalError that names the child and shows its log, when one ends by itself. */
  readonly failed: Promise<never>
  /** Starts one more process that stops with the stack, before what was started earlier. */
  start(spec: ChildSpec): Promise<Child>
  /** Stops all, the last added first. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts Kafka, the object store and Redis on loopback, each as a child process, with the data
 * of the last run. Stops what it has started when one cannot be started.
 *
 * @throws LocalError the state folder is in use by another process, or a part does not start
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = options.stateFolder
  const components = options.components ?? readComponents()
  const folders = { logs: join(folder, 'logs'), pids: join(folder, 'run') }
  const claim = join(folder, 'stack.pid')
  const holder = claimPidFile(claim)
  if (holder !== undefined) {
    throw new LocalError(
      `Kappa runs already here, as process ${holder}. Stop it first (Ctrl-C in its terminal, or: kill ${holder}).`,
    )
  }
  const swept = await sweepLeftovers(folders.pids, LEFTOVER_STOP_TIMEOUT_MS)
  const secrets = ensureSecrets(join(folder, 'secrets'))
  const children: Child[] = []
  const added: Child[] = []
  const failure = Promise.withResolvers<never>()
  // Who does not listen must not be ended by an unhandled rejection.
  failure.promise.catch(() => undefined)
  let stopped: Promise<void> | undefined

  const watch = (child: Child): void => {
    children.push(child)
    void child.exited.then((how) => {
      if (stopped !== undefined) return
      failure.reject(
        new LocalError(
          `${child.name} ${how}.\nThe last lines of its log:\n${lastLines(child.logFile)}`,
        ),
      )
    })
  }
  const stop = async (): Promise<void> => {
    // What was added uses the parts below it, which do not use each other.
    for (const child of added.toReversed()) await child.stop()
    await Promise.all(children.map((child) => child.stop()))
    removePidFile(claim)
  }
  const context = (name: string): ComponentContext => ({
    folders,
    dataFolder: join(folder, 'data', name),
    configFolder: join(folder, 'config'),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const stack = {
    stateFolder: folder,
    components,
    children,
    swept,
    failed: failure.promise,
    async start(spec: ChildSpec) {
      const child = await startChild(spec, folders, options.signal)
      watch(child)
      added.push(child)
      return child
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }

  const kafka = startKafka(
    {
      java: components.java,
      jarsFolder: components.kafkaJarsFolder,
      port: options.ports?.kafka ?? 0,
      heap: options.kafkaHeap ?? '384m',
    },
    context('kafka'),
  )
  const store = startObjectStore(
    { weed: components.weed, port: options.ports?.s3 ?? 0 },
    secrets,
    context('object-store'),
  )
  const redis = startRedis(
    {
      valkeyServer: components.valkeyServer,
      port: options.ports?.redis ?? 0,
      memoryMbMax: options.redisMemoryMbMax ?? 256,
    },
    secrets,
    context('redis'),
  )
  const started = [kafka, store, redis]
  for (const part of started) part.then(({ child }) => watch(child)).catch(() => undefined)
  const outcomes = await Promise.allSettled(started)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) {
    await stack.stop()
    throw failed.reason
  }
  return {
    ...stack,
    connection: {
      kafkaBrokers: (await kafka).brokers,
      redisUrl: (await redis).url,
      redisPasswordFile: secrets.redisPasswordFile,
      s3: {
        endpoint: (await store).endpoint,
        region: REGION,
        bucket: BUCKET,
        credentialsFile: secrets.s3CredentialsFile,
      },
    },
  }
}
