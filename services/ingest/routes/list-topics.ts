import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { summarize, topicSummary } from '../publishing/topic-schemas.ts'
import type { Topics } from '../publishing/topics.ts'

/** `GET /v1/topics` */
export function listTopicsRoute(http: Http, topics: Topics): void {
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
  http.get('/v1/topics', { schema }, async () => ({ topics: Array.from(topics, summarize) }))
}
