import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answer-meta.ts'
import type { LoadedView } from '../loaded-view.ts'
import { orUnavailable } from '../or-unavailable.ts'
import type { RouteParts } from '../parts.ts'

const ViewSchema = Type.Object({
  application: Type.String(),
  view: Type.String(),
  release: Type.Integer(),
  key: Type.Array(Type.String(), { description: 'Columns that identify a row.' }),
  time: Type.Union([Type.String(), Type.Null()], {
    description: 'The column that `from`, `to` and `order=time` use.',
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

export function listViewsRoute(http: Http, parts: RouteParts): void {
  const schema = {
    summary: 'List the views of all live releases',
    tags: ['views'],
    response: { 200: Type.Object({ views: Type.Array(ViewSchema) }) },
  }
  http.get('/v1/views', { schema }, async () => {
    const views = parts.catalogue.views().map((view) => describe(parts, view))
    return { views: await Promise.all(views) }
  })
}

async function describe(parts: RouteParts, view: LoadedView) {
  const declared = view.declared()
  const required = view.slots.map((_, partition) => view.required(partition))
  const statuses = await orUnavailable(
    Promise.all(view.slots.map((slot) => parts.store.status(slot))),
    () => parts.metrics.redisErrors.inc(),
  )
  const seen = statuses.map((status, p) => view.observe(p, status?.next, required[p]))
  const isReady = declared !== undefined && seen.every(Boolean)
  return {
    application: view.application,
    view: view.name,
    release: view.release,
    key: [...view.definition.key],
    time: view.definition.time ?? null,
    columns: [...view.definition.columns],
    rows: statuses.reduce((total, status) => total + (status?.rows ?? 0), 0),
    state: isReady ? ('ready' as const) : ('rebuilding' as const),
    meta: declared ? JSON.parse(answerMeta(parts.control, view, declared).json) : null,
  }
}
