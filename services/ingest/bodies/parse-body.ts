import type { IncomingHttpHeaders } from 'node:http'
import type { BodyKind } from './body-format.ts'
import { unwrapBinaryCloudEvent, unwrapCloudEvents } from './cloud-events.ts'
import type { EventBatch } from './event-batch.ts'
import { noEvents, parseJson, parseJsonEvents, parseLines } from './event-parser.ts'

/**
 * The events of a whole body.
 * @throws ServiceError `no_events`, `batch_too_large`, or `malformed_json` for the body as a whole.
 */
export function parseBody(
  body: Buffer,
  kind: BodyKind,
  headers: IncomingHttpHeaders,
  eventsMax: number,
): EventBatch {
  switch (kind) {
    case 'json':
      return parseJsonEvents(body, eventsMax)
    case 'ndjson': {
      const batch = parseLines(body, eventsMax)
      if (batch.values.length === 0) throw noEvents()
      return batch
    }
    case 'cloudevents':
      return unwrapCloudEvents(parseJsonEvents(body, eventsMax))
    case 'cloudevent':
      return unwrapCloudEvents(single(body))
    case 'binary-cloudevent':
      return unwrapBinaryCloudEvent(single(body), headers)
  }
}

/** One event, whatever its value is: an array is not several. */
function single(body: Buffer): EventBatch {
  return { values: [parseJson(body)], payload: () => body }
}
