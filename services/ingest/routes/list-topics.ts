import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import type { IngestContext } from '../context.ts'
import { summarize, topicSummary } from '../publishing/topic-schemas.ts'

/** `GET /v1/topics` */
export function listTopicsRoute(
  http: Http,
  { topics, versions }: Pick<IngestContext, 'topics' | 'versions'>,
): void {
  const schema = {
    summary: 'List the topics that events can be published to',
    tags: ['topics'],
    response: {
      200: Type.Object(
        { topics: Type.Array(topicSummary) },
        { title: 'Topics', description: 'In order of their names.' },
      ),
    },
  }
  http.get('/v1/topics', { schema }, async () => ({
    topics: Array.from(topics, (topic) => summarize(topic, versions.verdicts(topic.contract))),
  }))
}
