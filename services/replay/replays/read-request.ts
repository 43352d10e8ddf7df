import { isDeepStrictEqual } from 'node:util'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { ReplayRecord } from '@kappa/applications/replay-record'
import { DurationError, parseDuration } from '@kappa/contracts/duration'
import { ServiceError } from '@kappa/service/errors'
import type { ReleaseParts } from '../releases/release-parts.ts'
import type { ReplayRequest } from './replay-schemas.ts'

/** A request with everything that it leaves out. @throws ServiceError `bad_request` */
export function readRequest(
  { config }: ReleaseParts,
  request: ReplayRequest,
  replaces: number,
): ReplayRecord {
  const { standbyMs, retainMs } = config.replays
  const { from = 'earliest', carry = false } = request
  const timestamp = typeof from === 'object' && 'timestamp' in from ? from.timestamp : undefined
  if (timestamp !== undefined && Number.isNaN(Date.parse(timestamp))) {
    throw new ServiceError(
      'bad_request',
      `from.timestamp is "${timestamp.slice(0, 100)}"; it must be ISO 8601 with a zone, such as 2013-01-15T00:00:00Z.`,
    )
  }
  if (carry && timestamp === undefined) {
    throw new ServiceError('bad_request', 'carry goes with from: {timestamp} only; leave it out.')
  }
  return {
    requested_at: Date.now(),
    replaces,
    from,
    carry,
    accept_partial: request.accept_partial ?? false,
    promote: request.promote ?? 'manual',
    expected: request.expected ?? {},
    unsettled_rows_max: request.unsettled_rows_max ?? 0,
    ...(request.events_per_second_max === undefined
      ? {}
      : { events_per_second_max: request.events_per_second_max }),
    ...(request.watermark_slack === undefined
      ? {}
      : { watermark_slack_ms: readDuration('watermark_slack', request.watermark_slack, 0) }),
    ...(request.spark === undefined ? {} : { spark: request.spark }),
    standby_ms: readDuration('keep_warm_for', request.keep_warm_for, standbyMs),
    retain_ms: readDuration('retain_for', request.retain_for, retainMs),
  }
}

function readDuration(field: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new ServiceError('bad_request', `${field}: ${error.message}.`, { cause: error })
  }
}

/** @throws ServiceError `idempotency_key_reused` when a key comes with another request than before */
export function sameRequest(
  parts: ReleaseParts,
  known: ReleaseRecord,
  request: ReplayRequest,
): ReleaseRecord {
  const wanted = readRequest(parts, request, known.replay?.replaces ?? 0)
  const asked = Object.keys(wanted).filter((field) => field !== 'requested_at')
  const of = (replay: ReplayRecord | undefined) =>
    asked.map((field) => replay?.[field as keyof ReplayRecord])
  const isSame =
    known.application === request.application && isDeepStrictEqual(of(wanted), of(known.replay))
  if (isSame) return known
  throw new ServiceError(
    'idempotency_key_reused',
    `This Idempotency-Key was used for another request, which became release ${known.release} of ${known.application}; give each request a key of its own.`,
  )
}
