import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '@kappa/processes/error-code'
import { SparkError, SparkTransportError } from '@kappa/spark-connect/errors'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { ClusterError } from '../launcher.ts'
import type { SlotSettings, StaticLauncherSettings } from './static-settings.ts'

/** Who a process of a slot works for. */
interface SlotUse {
  readonly application: string
  readonly release: number
  readonly epoch: number
}

/**
 * - `answers`: it runs.
 * - `replaced`: another one answers in its place, so it has ended.
 * - `nothing-listens`: it has ended, or will in a moment.
 * - `silent`: nobody knows.
 */
export type ProcessState = 'answers' | 'replaced' | 'nothing-listens' | 'silent'

type Bounds = Pick<StaticLauncherSettings, 'requestTimeoutMs' | 'goneAfterMs'>

/**
 * Marks in the memory of the driver's JVM, which are gone when it is: global temporary views, seen by
 * all sessions. One can be created once only, which decides who uses a process.
 */
const usedView = 'kappa_used'
const epochView = (epoch: number) => `kappa_epoch_${epoch}`
const epochName = /^kappa_epoch_(\d+)$/

/**
 * Ends the JVM at once, without its shutdown hooks, which might hang. Spark evaluates the projection
 * of a list of values in the driver, when it plans it: so it need not be run, which a Spark that has
 * stopped cannot do.
 */
const haltSql =
  "SELECT java_method('org.apache.hadoop.util.ExitUtil', 'halt', status) FROM VALUES (1) AS exit(status)"

const haltTimeoutMs = 2_000
const haltPollMs = 50

/**
 * One process of a slot's Spark, from its start to its end. It is told from those before and after it
 * by a session, which no other process answers for: so what is asked of it never reaches another.
 */
export class SlotProcess {
  readonly slot: SlotSettings
  readonly #session: SparkSession
  readonly #bounds: Bounds

  private constructor(slot: SlotSettings, session: SparkSession, bounds: Bounds) {
    this.slot = slot
    this.#session = session
    this.#bounds = bounds
  }

  /** @throws SparkTransportError */
  static async connect(slot: SlotSettings, bounds: Bounds): Promise<SlotProcess> {
    const session = await connectSpark({
      address: slot.address,
      token: slot.token,
      userId: 'kappa-slots',
      requestTimeoutMs: bounds.requestTimeoutMs,
      heartbeatIntervalMs: 0,
    })
    return new SlotProcess(slot, session, bounds)
  }

  async ask(): Promise<ProcessState> {
    try {
      await this.#session.version()
      return 'answers'
    } catch (error) {
      return stateOf(error)
    }
  }

  /**
   * Whether Spark has stopped in it, as it does when its master takes the application away; the
   * process stays and answers, but fails at everything that it is to run.
   */
  async isStopped(): Promise<boolean> {
    try {
      await this.#session.sql('SELECT 1').collect()
      return false
    } catch (error) {
      return error instanceof SparkTransportError && error.kind === 'protocol'
    }
  }

  /** Whether it is not as it was started. */
  async isUsed(): Promise<boolean> {
    return (await this.#views()).includes(usedView)
  }

  /** @returns false if somebody has been quicker */
  async claim({ application, release, epoch }: SlotUse): Promise<boolean> {
    const values = `'${application}' AS application, ${release} AS release, ${epoch} AS epoch`
    return this.#create(usedView, `SELECT ${values}`)
  }

  /** The newest that was marked; 0 without any. */
  async newestEpoch(): Promise<number> {
    const names = await this.#views()
    return Math.max(0, ...names.map((name) => Number(epochName.exec(name)?.[1] ?? 0)))
  }

  async markEpoch(epoch: number): Promise<void> {
    await this.#create(epochView(epoch), `SELECT ${epoch} AS epoch`)
  }

  config(key: string): Promise<string | undefined> {
    return this.#session.getConfig(key)
  }

  /** A system property of Java, as the driver and as one executor have it. */
  async systemProperty(name: string): Promise<{ driver: unknown; executor: unknown }> {
    const value = `java_method('java.lang.System', 'getProperty', '${name}') AS value`
    const [driver] = await this.#session.sql(`SELECT ${value} FROM VALUES (0) AS id`).collect()
    const [executor] = await this.#session.sql(`SELECT ${value} FROM range(1)`).collect()
    return { driver: driver?.value, executor: executor?.value }
  }

  /** Resolves when an executor has done something. @throws SparkTransportError when none does in time */
  async runTask(options: { timeoutMs: number; signal: AbortSignal }): Promise<void> {
    await this.#session.sql('SELECT count(*) FROM range(0, 1, 1, 1)').collect(options)
  }

  /**
   * Ends it. Resolves when it is proven gone.
   * @throws ClusterError when that cannot be proven by then
   */
  async end(deadline: number): Promise<void> {
    let halted = false
    let nothingSince: number | undefined
    for (;;) {
      const state = await this.ask()
      if (state === 'replaced') break
      if (state === 'nothing-listens') {
        nothingSince ??= Date.now()
        // One that was halted stops listening by its end and no earlier.
        if (halted || Date.now() - nothingSince >= this.#bounds.goneAfterMs) break
      } else {
        nothingSince = undefined
      }
      if (state === 'answers') {
        await this.#halt()
        halted = true
      } else {
        await delay(haltPollMs)
      }
      if (Date.now() > deadline) {
        throw new ClusterError(
          `Spark in slot ${this.slot.name} (${this.slot.address}) does not end, or cannot be reached; start it anew.`,
        )
      }
    }
    this.#session.detach()
  }

  /** Lets go of it; it runs on. */
  async leave(): Promise<void> {
    // One that has ended meanwhile has no session to be released.
    await this.#session.release().catch(() => undefined)
  }

  /** Returns once it does not answer any more, or after a while. */
  async #halt(): Promise<void> {
    const deadline = Date.now() + haltTimeoutMs
    this.#session
      .sql(haltSql)
      .explain()
      .catch(() => undefined)
    do {
      await delay(haltPollMs)
    } while ((await this.ask()) === 'answers' && Date.now() < deadline)
  }

  async #create(view: string, query: string): Promise<boolean> {
    try {
      await this.#session.execute(`CREATE GLOBAL TEMPORARY VIEW ${view} AS ${query}`)
      return true
    } catch (error) {
      const isThere =
        error instanceof SparkError && error.errorClass === 'TEMP_TABLE_OR_VIEW_ALREADY_EXISTS'
      if (isThere) return false
      throw error
    }
  }

  async #views(): Promise<string[]> {
    const rows = await this.#session.sql('SHOW VIEWS IN global_temp').collect()
    return rows.map(({ viewName }) => String(viewName))
  }
}

/** What a call that failed tells about the process that it was meant for. */
export function stateOf(error: unknown): ProcessState {
  if (error instanceof SparkError) return 'answers'
  if (!(error instanceof SparkTransportError)) throw error
  // The token is read when Spark starts: the one that took ours has ended.
  if (error.kind === 'session_closed' || error.kind === 'unauthenticated') return 'replaced'
  return error.kind === 'unavailable' && isRefused(error) ? 'nothing-listens' : 'silent'
}

/** A container that does not run has no address in Docker's DNS. */
function isRefused(error: Error): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (hasCode(cause, 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN')) return true
  }
  return false
}
