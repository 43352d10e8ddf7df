import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@kappa/service/logger'
import type { Row } from '@kappa/spark-connect/arrow-rows'
import { SparkError } from '@kappa/spark-connect/errors'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import { StaticLauncher } from '../../launchers/static/static-launcher.ts'
import type { StaticLauncherSettings } from '../../launchers/static/static-settings.ts'
import { systemProperty } from './conformance.ts'
import { readableByOthers } from './files-of-others.ts'
import type { LauncherRig, ReleaseName } from './launcher-rig.ts'
import { type ExecutorsOfSlot, SparkSlot } from './spark-slot.ts'
import { storeOfStack } from './store-of-stack.ts'

export const boundsOfTests = {
  requestTimeoutMs: 30_000,
  pollIntervalMs: 100,
  silentMsMax: 60_000,
  goneAfterMs: 5_000,
  restartTimeoutMs: 60_000,
} satisfies Partial<StaticLauncherSettings>

const properties = { 'spark.connect.session.manager.defaultSessionTimeout': '-1' }
const systemProperties = { [systemProperty.name]: systemProperty.value }

/** Two slots. */
export async function staticRig(executors: ExecutorsOfSlot): Promise<LauncherRig> {
  // Of this file alone: another may run at the same time.
  const folder = join(testStack().stateFolder, `static-${executors.replaceAll(' ', '-')}`)
  const secretsFolder = join(folder, 'secrets')
  mkdirSync(secretsFolder, { recursive: true, mode: 0o700 })
  const slots = await Promise.all(
    ['first', 'second'].map((name) =>
      SparkSlot.start({
        folder: join(folder, name),
        name,
        executors,
        properties,
        systemProperties,
      }),
    ),
  )
  const uses = new SlotUses(slots)
  const secretsOf = ({ application, release }: ReleaseName) =>
    join(secretsFolder, `${application}-${release}`)
  return {
    launcher: () =>
      new StaticLauncher(
        { slots: slots.map(({ settings }) => settings), secretsFolder, ...boundsOfTests },
        createLogger('static-launcher-test', 'error'),
      ),
    size: { cores: 2, memory: '512m', executors: 1 },
    objectStore: storeOfStack(),
    startTimeoutMs: 120_000,
    running: (release) => uses.running(release),
    async leftovers(release) {
      const secrets = secretsOf(release)
      return [...(await uses.running(release)), ...(existsSync(secrets) ? [secrets] : [])]
    },
    async visible(release) {
      const slot = await uses.slotOf(release)
      const texts = slot?.processes().flatMap(({ pid }) => {
        return ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
      })
      const folders = [slot?.folder ?? folder, secretsFolder]
      return [...(texts ?? []), ...folders.flatMap(readableByOthers)].join('\n')
    },
    async kill(release) {
      const slot = await uses.slotOf(release)
      slot?.signalDriver('SIGKILL')
    },
    async close() {
      uses.close()
      await Promise.all(slots.map((slot) => slot.stop()))
    },
  }
}

/** Which release runs where: as the marks of the launcher say, and as was seen before. */
class SlotUses {
  readonly #slots: readonly SparkSlot[]
  readonly #sessions = new Map<SparkSlot, SparkSession>()
  readonly #seen = new Map<string, Set<string>>()

  constructor(slots: readonly SparkSlot[]) {
    this.#slots = slots
  }

  /** A process that was a release's is one as long as it runs, whatever its mark says by then. */
  async running(release: ReleaseName): Promise<string[]> {
    const key = `${release.application}-${release.release}`
    const seen = this.#seen.get(key) ?? new Set()
    this.#seen.set(key, seen)
    const slot = await this.slotOf(release)
    for (const id of slot ? idsOf(slot) : []) seen.add(id)
    return this.#slots.flatMap(idsOf).filter((id) => seen.has(id))
  }

  async slotOf({ application, release }: ReleaseName): Promise<SparkSlot | undefined> {
    for (const slot of this.#slots) {
      const row = await this.#useOf(slot)
      if (row?.application === application && row.release === release) return slot
    }
    return undefined
  }

  async #useOf(slot: SparkSlot): Promise<Row | undefined> {
    const known = this.#sessions.get(slot)
    try {
      const session = known ?? (await this.#connect(slot))
      const [row] = await session.sql('SELECT * FROM global_temp.kappa_used').collect()
      return row
    } catch (error) {
      // Nobody has used it.
      if (error instanceof SparkError) return undefined
      this.#forget(slot)
      // The session was of a process that has ended; without one, none listens.
      return known ? this.#useOf(slot) : undefined
    }
  }

  close(): void {
    for (const slot of this.#slots) this.#forget(slot)
  }

  async #connect(slot: SparkSlot): Promise<SparkSession> {
    const { address, token } = slot.settings
    const options = { address, token, userId: 'look', requestTimeoutMs: 5_000 }
    const session = await connectSpark({ ...options, heartbeatIntervalMs: 0 })
    this.#sessions.set(slot, session)
    return session
  }

  #forget(slot: SparkSlot): void {
    this.#sessions.get(slot)?.detach()
    this.#sessions.delete(slot)
  }
}

function idsOf(slot: SparkSlot): string[] {
  return slot.processes().map(({ pid, startTime }) => `process ${pid} of ${startTime}`)
}
