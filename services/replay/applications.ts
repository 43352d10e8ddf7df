import { isDeepStrictEqual } from 'node:util'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import { listApplications, loadApplication } from '@kappa/applications/load'
import { ApplicationError } from '@kappa/applications/problems'
import { type ReleaseRecord, releaseKey, TopicNames } from '@kappa/applications/records'
import type { Contracts } from '@kappa/contracts/contracts'
import type { ReleaseParts } from './release-parts.ts'
import { ReleaseRunner } from './release-runner.ts'
import type { ApplicationStatus } from './release-status.ts'
import { bindSources } from './sources.ts'

const firstRelease = 1

/** The applications of the folder and of the control log, each with the release that runs. */
export class Applications {
  readonly failed: Promise<never>
  readonly #parts: ReleaseParts
  readonly #contracts: Contracts
  readonly #runners = new Map<string, ReleaseRunner>()
  readonly #definitions = new Map<string, ApplicationDefinition>()
  readonly #problems = new Map<string, readonly string[]>()
  #fail!: (error: unknown) => void

  constructor(parts: ReleaseParts, contracts: Contracts) {
    this.#parts = parts
    this.#contracts = contracts
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
  }

  /** Stores release 1 of what is new, and runs every release that the control log has. */
  async start(): Promise<void> {
    const { config, control, logger } = this.#parts
    for (const name of await listApplications(config.applicationsFolder)) {
      try {
        const definition = await loadApplication(config.applicationsFolder, name)
        this.#definitions.set(name, definition)
        if (!control.releases.has(releaseKey(name, firstRelease))) {
          await control.writeRelease(this.#request(definition), { makeLive: false })
        }
      } catch (error) {
        if (!(error instanceof ApplicationError)) throw error
        logger.error({ err: error, application: name }, 'an application cannot be read')
        this.#problems.set(
          name,
          error.message
            .split('\n')
            .slice(1)
            .map((line) => line.trim()),
        )
      }
    }
    for (const [key, record] of control.releases) {
      const definition = this.#definitions.get(record.application)
      const folderDiffers = definition === undefined || differs(definition, record)
      const runner = new ReleaseRunner(this.#parts, record, { folderDiffers })
      this.#runners.set(key, runner)
      runner.run().catch(this.#fail)
    }
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

  #request(definition: ApplicationDefinition): ReleaseRecord {
    const { application } = definition
    const { partitions } = definition.changelog
    const topics = new TopicNames(this.#parts.config.namespace)
    const views = Object.entries(definition.views).map(([name, view]) => {
      const changelog = { topic: topics.changelog(application, firstRelease, name), partitions }
      return [name, { ...view, columns: [], outputMode: 'update' as const, changelog }]
    })
    return {
      application,
      release: firstRelease,
      state: 'requested',
      definition: {
        ...definition,
        views: Object.fromEntries(views),
        sources: bindSources(definition, this.#contracts),
        pinned: {},
      },
      epoch: this.#parts.control.epoch,
      updated_at: Date.now(),
    }
  }
}

/** Whether the folder says something else than what the release was made of. */
function differs(definition: ApplicationDefinition, record: ReleaseRecord): boolean {
  const views = Object.entries(record.definition.views).map(([name, view]) => {
    const { columns: _columns, outputMode: _mode, changelog: _changelog, ...written } = view
    return [name, written]
  })
  const { sources: _sources, pinned: _pinned, ...rest } = record.definition
  const stored = { ...rest, views: Object.fromEntries(views) }
  // Both sides as JSON: the record came from JSON, which knows no undefined.
  return !isDeepStrictEqual(
    JSON.parse(JSON.stringify(definition)),
    JSON.parse(JSON.stringify(stored)),
  )
}
