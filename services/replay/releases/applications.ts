import type { ApplicationDefinition } from '@kappa/applications/definition'
import { listApplications, loadApplication } from '@kappa/applications/load'
import { ApplicationError, formatProblem } from '@kappa/applications/problems'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { ReleaseParts } from './release-parts.ts'
import { folderDiffers, requestRelease, withBoundsOf } from './release-request.ts'
import { ReleaseRunner } from './release-runner.ts'
import type { ApplicationStatus } from './release-status.ts'

/** The applications of the folder and of the control log, each with the release that runs. */
export class Applications {
  readonly failed: Promise<never>
  readonly #parts: ReleaseParts
  readonly #runners = new Map<string, ReleaseRunner>()
  readonly #definitions = new Map<string, ApplicationDefinition>()
  readonly #problems = new Map<string, readonly string[]>()
  #fail!: (error: unknown) => void

  constructor(parts: ReleaseParts) {
    this.#parts = parts
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
  }

  /** Requests a release of what is new, and runs the current release of every application. */
  async start(): Promise<void> {
    const { config, control } = this.#parts
    for (const name of await listApplications(config.applicationsFolder)) await this.#read(name)
    const names = new Set([...control.releases.values()].map(({ application }) => application))
    for (const name of names) {
      const record = this.#current(name)
      if (!record) continue
      const definition = this.#definitions.get(name)
      const differs = definition === undefined || folderDiffers(definition, record)
      const bounded = definition ? withBoundsOf(definition, record) : record
      const runner = new ReleaseRunner(this.#parts, bounded, { folderDiffers: differs })
      this.#runners.set(name, runner)
      runner.run().catch(this.#fail)
    }
  }

  async #read(name: string): Promise<void> {
    const { config, control, logger } = this.#parts
    try {
      const definition = await loadApplication(config.applicationsFolder, name)
      this.#definitions.set(name, definition)
      const current = this.#current(name)
      if (current && !this.#isReplaceable(definition, current)) return
      const release = (current?.release ?? 0) + 1
      const context = {
        contracts: this.#parts.contracts,
        namespace: config.namespace,
        epoch: control.epoch,
      }
      const record = requestRelease(definition, release, context)
      await control.writeRelease(record, { makeLive: false })
    } catch (error) {
      if (!(error instanceof ApplicationError)) throw error
      logger.error({ err: error, application: name }, 'an application cannot be read')
      this.#problems.set(name, error.problems.map(formatProblem))
    }
  }

  /** What readers get, or the newest where there is none yet. */
  #current(name: string): ReleaseRecord | undefined {
    const { control } = this.#parts
    const live = control.livePointer(name)
    const own = [...control.releases.values()].filter(({ application }) => application === name)
    if (live) return own.find(({ release }) => release === live.release)
    return own.sort((a, b) => a.release - b.release).at(-1)
  }

  /** One that failed before it was ever live gives way once its files were changed. */
  #isReplaceable(definition: ApplicationDefinition, current: ReleaseRecord): boolean {
    const wasLive = this.#parts.control.livePointer(current.application) !== undefined
    return current.state === 'failed' && !wasLive && folderDiffers(definition, current)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()))
  }

  statuses(): ApplicationStatus[] {
    const releases = [...this.#runners.values()].map((runner) => runner.status())
    const names = new Set([
      ...this.#definitions.keys(),
      ...this.#problems.keys(),
      ...releases.map(({ application }) => application),
    ])
    return [...names].sort().map((application) => ({
      application,
      description: this.#definitions.get(application)?.description ?? '',
      problems: [...(this.#problems.get(application) ?? [])],
      releases: releases.filter((release) => release.application === application),
    }))
  }

  reasonAgainstReadiness(): string | undefined {
    const failed = this.statuses().flatMap(({ releases }) =>
      releases.filter(({ state }) => state === 'failed'),
    )
    if (failed.length === 0) return undefined
    return failed
      .map(({ application, release, cause }) => `${application}/${release} failed: ${cause}`)
      .join('; ')
  }
}
