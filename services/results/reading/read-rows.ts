import type { Span } from '@kappa/service/tracing'
import type { ViewStore } from '@kappa/view-store/view-store'
import { type AnswerMeta, answerMeta } from '../answers/answer-meta.ts'
import { type RowShape, rowShape, type ShapeOptions } from '../answers/row-shape.ts'
import type { QuerySettings } from '../config.ts'
import type { ControlState } from '../control/control-state.ts'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'
import { encodeCursor } from '../queries/cursor.ts'
import type { Filters } from '../queries/read-conditions.ts'
import { type PageOptions, readViewQuery } from '../queries/view-query.ts'
import type { Awaited } from './awaited.ts'
import type { LiveReads } from './live-reads.ts'
import { type Page, readPage } from './page.ts'

export interface ReadingParts {
  readonly control: ControlState
  readonly store: ViewStore
  readonly settings: QuerySettings
  readonly live: LiveReads
}

/** What a client wants of a view. */
export interface Asked {
  readonly application: string
  readonly view: string
  readonly filters: Filters
  readonly order: string | undefined
  readonly shape: ShapeOptions
}

export interface ReadRows {
  readonly page: Page
  readonly shape: RowShape
  readonly view: LoadedView
  readonly meta: AnswerMeta
  readonly answer: Answer
  /** To go on with, if there may be more. */
  readonly cursor: string | undefined
}

/**
 * Reads a page of the live rows, ready to be written.
 * @throws as `LiveReads.readView`, `readViewQuery`, `rowShape`
 */
export async function readRows(
  { control, store, settings, live }: ReadingParts,
  { application, view: name, filters, order, shape }: Asked,
  options: {
    readonly limit: number
    readonly cursor?: string | undefined
    readonly awaited?: Awaited | undefined
    readonly span?: Span | undefined
  },
): Promise<ReadRows> {
  const { limit, cursor, awaited, span } = options
  const pageOptions: PageOptions = {
    limit,
    ...(order === undefined ? {} : { order }),
    ...(cursor === undefined ? {} : { cursor }),
  }
  const { result, view, declared } = await live.readView(
    application,
    name,
    { turns: 'several', awaited, span },
    async (loaded, answer) => {
      const query = readViewQuery(loaded, filters, { ...pageOptions, rowsFrom: answer.rowsFrom })
      const written = rowShape(loaded, shape)
      const page = await readPage(store, loaded, answer, query, settings.scannedEntriesMax)
      return { page, shape: written, digest: query.digest, answer }
    },
  )
  const { page, digest } = result
  const { release } = view
  return {
    ...result,
    view,
    meta: answerMeta(control, view, declared),
    cursor:
      page.after === undefined
        ? undefined
        : encodeCursor({ release, query: digest, after: page.after }),
  }
}
