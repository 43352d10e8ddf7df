import type { LivePointer } from '@kappa/applications/records'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answers/answer-meta.ts'
import type { DeclaredPosition } from '../control/position-queue.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { RouteParts } from '../parts.ts'

const ViewSchema = Type.Object({
  application: Type.String(),
  view: Type.String(),
  release: Type.Integer(),
  key: Type.Array(Type.String(), { description: 'Columns that identify a row.' }),
  time: Type.Union([Type.String(), Type.Null()], {
    description: 'The column that `from`, `to` and `order=time` use.',
  }),
  ranked: Type.Array(Type.String(), {
    description: 'Columns by which rows can be ordered and filtered, on top of key and time.',
  }),
  columns: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String({ description: "Spark's name of the type." }),
      nullable: Type.Boolean(),
    }),
  ),
  rows: Type.Integer({ description: 'Rows as of now; while rebuilding, those that are back.' }),
  state: Type.Union([Type.Literal('ready'), Type.Literal('rebuilding')], {
    description: 'rebuilding: queries get 503 until all that was applied before is applied again.',
  }),
  meta: Type.Union([AnswerMetaSchema, Type.Null()], {
    description: 'Position and freshness as in answers; null before the first position is reached.',
  }),
})

const RefusedSchema = Type.Array(
  Type.Object({ application: Type.String(), release: Type.Integer() }),
  {
    description:
      'Releases that are not live and have no rows in Redis, because it is nearly full; they come back when there is room.',
  },
)

/** @param refused releases whose rows are not kept for now */
export function listViewsRoute(
  http: Http,
  parts: RouteParts,
  refused: () => readonly { readonly application: string; readonly release: number }[],
): void {
  const schema = {
    summary: 'List the views of all live releases',
    tags: ['views'],
    response: { 200: Type.Object({ views: Type.Array(ViewSchema), refused: RefusedSchema }) },
  }
  http.get('/v1/views', { schema }, async () => {
    const applications = parts.catalogue.liveApplications()
    const views = await Promise.all(applications.map((name) => describeAll(parts, name)))
    return {
      views: views.flat(),
      refused: refused().map(({ application, release }) => ({ application, release })),
    }
  })
}

function describeAll(parts: RouteParts, application: string) {
  const viewsOf = (live: LivePointer) => parts.catalogue.views(live)
  return parts.live.read(
    application,
    (live) => viewsOf(live).map(({ name }) => name),
    'one',
    async (live) => {
      const declared = new Map<LoadedView, DeclaredPosition>()
      const result = await Promise.all(
        viewsOf(live).map((view) => describe(parts, view, (told) => declared.set(view, told))),
      )
      return { result, declared }
    },
  )
}

async function describe(
  parts: RouteParts,
  view: LoadedView,
  onReady: (told: DeclaredPosition) => void,
) {
  const declared = view.declared()
  const required = view.slots.map((_, partition) => view.required(partition))
  const statuses = await Promise.all(view.slots.map((slot) => parts.store.status(slot)))
  const seen = statuses.map((status, p) => view.observe(p, status?.next, required[p]))
  const isReady = declared !== undefined && seen.every(Boolean)
  if (isReady) onReady(declared)
  return {
    application: view.application,
    view: view.name,
    release: view.release,
    key: [...view.definition.key],
    time: view.definition.time ?? null,
    ranked: [...(view.definition.ranked ?? [])],
    columns: [...view.definition.columns],
    rows: statuses.reduce((total, status) => total + (status?.rows ?? 0), 0),
    state: isReady ? ('ready' as const) : ('rebuilding' as const),
    meta: declared ? JSON.parse(answerMeta(parts.control, view, declared).json) : null,
  }
}
