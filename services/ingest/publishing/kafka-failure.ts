import { KafkaError } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'

/** What a client gets to know when Kafka did not take its events. */
export function explainKafkaError(error: unknown): ServiceError {
  const code = error instanceof KafkaError ? error.code : 'unknown'
  const reason = error instanceof Error ? error.message : String(error)
  switch (code) {
    case 'queue_full':
      return new ServiceError('too_many_requests', `${reason}. Nothing was written; send again.`, {
        retryAfterSeconds: 1,
        details: { limit: 'kafka_queue_bytes' },
        cause: error,
      })
    case 'record_too_large':
      return new ServiceError('event_too_large', `${reason}. Nothing was written.`, {
        cause: error,
      })
    case 'closed':
      return new ServiceError('stopping', 'The service is stopping. Nothing was written.', {
        retryAfterSeconds: 1,
        cause: error,
      })
    case 'unavailable':
    case 'unknown_topic':
      return new ServiceError(
        'kafka_unavailable',
        'Kafka does not take events now. Nothing was written; send the same events again.',
        { retryAfterSeconds: 2, cause: error },
      )
    default:
      return new ServiceError(
        'outcome_unknown',
        'Kafka did not confirm the events: they may be in the log. Send the same events with the same ids again; each counts once.',
        { retryAfterSeconds: 1, cause: error },
      )
  }
}
