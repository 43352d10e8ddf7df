import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import type { IngestContext } from '../context.ts'
import { errorBody, topicParams } from '../publishing/publish-schemas.ts'
import { summarize, topicSummary } from '../publishing/topic-schemas.ts'

/** `GET /v1/topics/{topic}` */
export function readTopicRoute(
  http: Http,
  { topics, versions }: Pick<IngestContext, 'topics' | 'versions'>,
): void {
  const schema = {
    summary: "Read a topic's contract",
    tags: ['topics'],
    params: topicParams,
    response: {
      200: Type.Object(
        { ...topicSummary.properties, schema: Type.Unknown({ description: 'Avro, as JSON.' }) },
        { title: 'TopicWithSchema', description: 'With the newest version of its schema.' },
      ),
      404: errorBody('`unknown_topic`.'),
    },
  }
  http.get('/v1/topics/:topic', { schema }, async (request) => {
    const topic = topics.get(request.params.topic)
    const { contract } = topic
    return {
      ...summarize(topic, versions.verdicts(contract)),
      schema: JSON.parse(contract.newest.schemaText) as unknown,
    }
  })
}
