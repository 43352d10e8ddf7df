import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@kappa/service/logger'
import { SparkError, SparkTransportError } from '@kappa/spark-connect/errors'
import { type Cluster, ClusterError, type ClusterLauncher, type ClusterSpec } from '../launcher.ts'
import { writeSecretFiles } from '../secret-files.ts'
import { checkStartConf, sessionConfOf } from './conf-of-slot.ts'
import { Slot, type SlotHolder } from './slot.ts'
import type { SlotProcess } from './slot-process.ts'
import { StaticCluster } from './static-cluster.ts'
import type { StaticLauncherSettings } from './static-settings.ts'
import { refuseNewer, TakenOverError } from './taken-over.ts'

type Release = Pick<ClusterSpec, 'application' | 'release'>

interface StartOptions {
  readonly timeoutMs: number
  readonly deadline: number
  readonly signal: AbortSignal
}

/**
 * Gives each release one of the slots: Spark Connect servers that are there already, with executors
 * of their own, and that something else starts anew whenever they end, as docker compose does. A
 * release's cluster ends with the process of its slot's driver, so that nothing of it is left, and
 * the next release gets a process that nobody has used.
 *
 * The size of a cluster is that of its slot. A release's configuration of SQL and of the object store
 * is given to its session; what Spark can be told only when it starts has to be in the slot's
 * properties:
 *
 * - `spark.connect.grpc.binding.address` and `.port` as in the slot's address
 * - `spark.connect.authenticate.token` as in its tokenFile
 * - `spark.connect.session.manager.defaultSessionTimeout -1`: an idle session would be ended, and its
 *   queries with it
 * - for Kafka with OAuth, `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=<token URL>`, for the JVM
 *   of the driver (`SPARK_DRIVER_JAVA_OPTIONS` of the Spark image) and, where executors are processes
 *   of their own, in `spark.executor.extraJavaOptions`
 * - where executors are processes of their own, one for each worker: `spark.blockManager.port` fixed,
 *   and `spark.port.maxRetries 0`. An executor cannot start then beside one of the driver before,
 *   should that still be there: its port is taken.
 */
export class StaticLauncher implements ClusterLauncher {
  readonly #settings: StaticLauncherSettings
  readonly #logger: Logger
  readonly #slots: readonly Slot[]
  #epoch = 0

  constructor(settings: StaticLauncherSettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
    this.#slots = settings.slots.map((slot) => new Slot(slot, settings))
  }

  async takeOver(epoch: number): Promise<void> {
    this.#epoch = epoch
    await this.#refuseNewer()
    await Promise.all(
      this.#slots.map((slot) =>
        slot.prove(epoch).catch((error: unknown) => {
          if (error instanceof TakenOverError) throw error
          // Every start looks at it again, and fails with the reason while nobody knows.
          this.#logger.error({ err: error, slot: slot.name }, 'a slot could not be taken over')
        }),
      ),
    )
  }

  async start(
    spec: ClusterSpec,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Cluster> {
    const options = { timeoutMs, signal, deadline: Date.now() + timeoutMs }
    const secretsFolder = this.#secretsFolderOf(spec)
    const answering = await this.#refuseNewer()
    await this.#endEarlier(spec)
    const unproven = this.#slots.filter((slot) => slot.isUnproven && slot.holder === undefined)
    await Promise.all(unproven.map((slot) => slot.prove(this.#epoch)))
    const slot = this.#freeSlot(spec, answering)
    const holder: SlotHolder = { application: spec.application, release: spec.release }
    slot.holder = holder
    try {
      const process = await slot.untilFresh(this.#epoch, options)
      await this.#use(slot, process, spec, options)
      holder.cluster = new StaticCluster({
        process,
        secretsFolder,
        sessionConf: sessionConfOf(spec.sparkConf),
        bounds: this.#settings,
        onStopped: (isProven) => slot.left(holder, isProven),
      })
      return holder.cluster
    } catch (error) {
      slot.holder = undefined
      throw inWords(slot, error, options)
    }
  }

  async remove(release: Release): Promise<void> {
    const { secretsFolder } = this.#settings
    if (secretsFolder === undefined) return
    await rm(folderOf(secretsFolder, release), { recursive: true, force: true })
  }

  /** Makes a process the release's; ends it when it cannot be. */
  async #use(
    slot: Slot,
    process: SlotProcess,
    spec: ClusterSpec,
    { deadline, signal }: StartOptions,
  ): Promise<void> {
    const { application, release } = spec
    let isClaimed = false
    try {
      isClaimed = await process.claim({ application, release, epoch: this.#epoch })
    } finally {
      if (!isClaimed) await process.leave()
    }
    if (!isClaimed) {
      throw new ClusterError(`Slot ${slot.name} was taken by another instance of replay.`)
    }
    try {
      if (hasSecretFiles(spec)) writeSecretFiles(this.#secretsFolderOf(spec), spec.secretFiles)
      // Whoever took over before it was claimed has not seen that it is used.
      await refuseNewer(process, this.#epoch)
      await checkStartConf(process, spec)
      await process.runTask({ timeoutMs: Math.max(1, deadline - Date.now()), signal })
    } catch (error) {
      await slot.end(process)
      throw error
    }
    if (!slot.fits(spec)) this.#logger.warn(smaller(slot, spec))
  }

  /** @throws ClusterError when it cannot be proven gone */
  async #endEarlier({ application, release }: Release): Promise<void> {
    for (const { holder } of this.#slots) {
      if (holder?.application === application && holder.release === release) {
        await holder.cluster?.stop()
      }
    }
  }

  /** @throws ClusterError when there is none */
  #freeSlot(spec: ClusterSpec, answering: ReadonlySet<Slot>): Slot {
    const rank = (slot: Slot) => {
      const isAnswering = answering.has(slot)
      const isThereSoon = isAnswering || slot.isRestarting
      return Number(isThereSoon) * 4 + Number(slot.fits(spec)) * 2 + Number(isAnswering)
    }
    const [best] = this.#slots
      .filter(({ holder, isUnproven }) => holder === undefined && !isUnproven)
      .sort((a, b) => rank(b) - rank(a))
    if (best) return best
    const held = this.#slots.map(
      ({ name, holder }) => `${name} by ${holder?.application}-${holder?.release}`,
    )
    throw new ClusterError(
      `All ${held.length} slots for Spark are in use: ${held.join(', ')}. Retire a release, or add a slot to the file in KAPPA_STATIC_SLOTS_FILE.`,
    )
  }

  /**
   * Asks every slot, because a process that was started since the takeover does not know of it.
   * @returns the slots that answer
   * @throws TakenOverError
   */
  async #refuseNewer(): Promise<ReadonlySet<Slot>> {
    const answering = new Set<Slot>()
    await Promise.all(
      this.#slots.map(async (slot) => {
        try {
          if (await slot.answers(this.#epoch)) answering.add(slot)
        } catch (error) {
          if (error instanceof TakenOverError) throw error
          this.#logger.warn({ err: error, slot: slot.name }, 'a slot cannot be looked at')
        }
      }),
    )
    return answering
  }

  /** @returns where Spark finds its secret files, if it has any */
  #secretsFolderOf(spec: ClusterSpec): string {
    const { secretsFolder } = this.#settings
    if (hasSecretFiles(spec) && secretsFolder === undefined) {
      throw new ClusterError(
        'Spark needs files to reach Kafka, which is secured: set KAPPA_STATIC_SECRETS_FOLDER to a folder that replay can write to and that is mounted at the same path in every container of the slots.',
      )
    }
    return folderOf(secretsFolder ?? '/', spec)
  }
}

function hasSecretFiles(spec: ClusterSpec): spec is ClusterSpec & { secretFiles: object } {
  return Object.keys(spec.secretFiles ?? {}).length > 0
}

function folderOf(secretsFolder: string, { application, release }: Release): string {
  return join(secretsFolder, `${application}-${release}`)
}

function smaller({ name, settings }: Slot, spec: ClusterSpec): string {
  const { application, release, cores, memory, executors } = spec
  return `${application}-${release} asks for ${executors} executors with ${cores} cores and ${memory} each; slot ${name}, where it runs, has ${settings.cores} cores and ${settings.memory} in all.`
}

function inWords(slot: Slot, error: unknown, { timeoutMs }: StartOptions): unknown {
  if (error instanceof SparkTransportError && error.kind === 'cancelled') {
    return new ClusterError('The start of Spark was called off.', { cause: error })
  }
  if (error instanceof SparkTransportError && error.kind === 'deadline') {
    return new ClusterError(
      `Spark in ${slot} has run no task within ${timeoutMs} ms: look whether its workers are there.`,
      { cause: error },
    )
  }
  if (error instanceof SparkTransportError || error instanceof SparkError) {
    return new ClusterError(`Spark in ${slot} does not work: ${error.message}`, { cause: error })
  }
  return error
}
