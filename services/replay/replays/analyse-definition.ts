import type { ApplicationDefinition } from '@kappa/applications/definition'
import { ApplicationError, formatProblem } from '@kappa/applications/problems'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { ClusterLife } from '../clusters/cluster-life.ts'
import { pinDatasets } from '../releases/datasets.ts'
import { releaseFolder } from '../releases/release-folder.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { requestRelease } from '../releases/release-request.ts'
import { analyseViews } from '../spark/spark-views.ts'

/** No release has it: what is made for a look at a definition is made under this number. */
const noRelease = 0

export type Analysis =
  | { readonly columns: Readonly<Record<string, readonly ViewColumn[]>> }
  | { readonly problems: readonly string[] }

/**
 * Lets Spark look at the SQL of a definition, on a cluster that lives no longer than that. One look at
 * a time; the last definition is remembered.
 * @throws ClusterError when Spark does not start
 */
export class DefinitionAnalysis {
  readonly #parts: ReleaseParts
  #last: { readonly text: string; readonly analysis: Analysis } | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: ReleaseParts) {
    this.#parts = parts
  }

  of(definition: ApplicationDefinition): Promise<Analysis> {
    const turn = this.#turn.then(() => this.#remembered(definition))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #remembered(definition: ApplicationDefinition): Promise<Analysis> {
    const { contracts, config, control } = this.#parts
    const context = {
      contracts: contracts.current,
      namespace: config.namespace,
      epoch: control.epoch,
    }
    const record = requestRelease(definition, noRelease, context)
    const text = JSON.stringify(record.definition)
    if (this.#last?.text === text) return this.#last.analysis
    const analysis = await this.#analyse(record)
    this.#last = { text, analysis }
    return analysis
  }

  async #analyse(record: ReturnType<typeof requestRelease>): Promise<Analysis> {
    const { store, launcher, config } = this.#parts
    const { application, release } = record
    try {
      const signal = AbortSignal.timeout(config.release.clusterStartTimeoutMs)
      const life = await ClusterLife.start(this.#parts, record, signal)
      try {
        const options = { folder: config.applicationsFolder, release }
        const pinned = await pinDatasets(store, record.definition, options)
        await life.session.registerInputs({ ...record.definition, pinned })
        const { views } = record.definition
        return { columns: await analyseViews(life.session.spark, application, views) }
      } finally {
        await life.stop()
      }
    } catch (error) {
      if (!(error instanceof ApplicationError)) throw error
      return { problems: error.problems.map(formatProblem) }
    } finally {
      await store.deletePrefix(releaseFolder('datasets', application, release))
      await launcher.remove(record)
    }
  }
}
