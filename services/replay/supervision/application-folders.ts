import type { ApplicationDefinition } from '@kappa/applications/definition'
import { listApplications, loadApplication } from '@kappa/applications/load'
import { ApplicationError, formatProblem } from '@kappa/applications/problems'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { Releases } from '../control/releases.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { folderDiffers, requestRelease, withBoundsOf } from '../releases/release-request.ts'

/** The applications of the folder, as they were when replay started, and what is wrong with them. */
export class ApplicationFolders {
  readonly #parts: ReleaseParts
  readonly #definitions = new Map<string, ApplicationDefinition>()
  readonly #problems = new Map<string, readonly string[]>()

  constructor(parts: ReleaseParts) {
    this.#parts = parts
  }

  /** Reads them, requests a release of what has none, and takes over the bounds that files have now. */
  async read(): Promise<void> {
    for (const name of await listApplications(this.#parts.config.applicationsFolder)) {
      await this.#read(name)
    }
  }

  names(): string[] {
    return [...new Set([...this.#definitions.keys(), ...this.#problems.keys()])]
  }

  describe(name: string): { description: string; problems: string[] } {
    const description = this.#definitions.get(name)?.description ?? ''
    return { description, problems: [...(this.#problems.get(name) ?? [])] }
  }

  /** Whether the folder says something else than what a release was made of. */
  differs(record: ReleaseRecord): boolean {
    const definition = this.#definitions.get(record.application)
    return definition === undefined || folderDiffers(definition, record)
  }

  async #read(name: string): Promise<void> {
    const { config, control, contracts, logger, releases } = this.#parts
    try {
      const definition = await loadApplication(config.applicationsFolder, name)
      this.#definitions.set(name, definition)
      const current = currentOf(releases, name)
      if (current && !isReplaceable(releases, definition, current)) {
        await releases.update(current, (record) => ({
          definition: withBoundsOf(definition, record).definition,
        }))
        return
      }
      await releases.add(name, (release) =>
        requestRelease(definition, release, {
          contracts: contracts.current,
          namespace: config.namespace,
          epoch: control.epoch,
        }),
      )
    } catch (error) {
      if (!(error instanceof ApplicationError)) throw error
      logger.error({ err: error, application: name }, 'an application cannot be read')
      this.#problems.set(name, error.problems.map(formatProblem))
    }
  }
}

/** What readers get, or the newest where there is none yet. */
export function currentOf(releases: Releases, application: string): ReleaseRecord | undefined {
  return releases.live(application) ?? releases.of(application)[0]
}

/** One that failed before any was ever live gives way once its files were changed. */
function isReplaceable(
  releases: Releases,
  definition: ApplicationDefinition,
  current: ReleaseRecord,
): boolean {
  const wasLive = releases.pointer(current.application) !== undefined
  return current.state === 'failed' && !wasLive && folderDiffers(definition, current)
}
