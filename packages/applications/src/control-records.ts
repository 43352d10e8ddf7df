import { Compile } from 'typebox/compile'
import {
  type LivePointer,
  livePointer,
  type PositionRecord,
  positionRecord,
  type ReleaseRecord,
  releaseRecord,
} from './records.ts'

const releaseCheck = Compile(releaseRecord)
const liveCheck = Compile(livePointer)
const positionCheck = Compile(positionRecord)

/** A record of a control topic that is not what its topic promises. */
export class ControlRecordError extends Error {
  constructor(topic: string, key: string, reason: string) {
    super(`The record "${key}" of the topic of ${topic} cannot be used: ${reason}`)
    this.name = 'ControlRecordError'
  }
}

/**
 * Reads a value of the topic of releases: `<application>/live` or `<application>/<release>`.
 * @throws ControlRecordError
 */
export function parseReleaseRecord(
  key: string,
  value: Buffer,
): { live: LivePointer } | { release: ReleaseRecord } {
  const json = parseJson('releases', key, value)
  if (key.endsWith('/live')) {
    if (!liveCheck.Check(json)) throw misfit('releases', key, liveCheck.Errors(json))
    return { live: json }
  }
  if (!releaseCheck.Check(json)) throw misfit('releases', key, releaseCheck.Errors(json))
  return { release: json }
}

/**
 * Reads a value of the topic of positions.
 * @throws ControlRecordError
 */
export function parsePositionRecord(key: string, value: Buffer): PositionRecord {
  const json = parseJson('positions', key, value)
  if (!positionCheck.Check(json)) throw misfit('positions', key, positionCheck.Errors(json))
  return json
}

function parseJson(topic: string, key: string, value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch (error) {
    throw new ControlRecordError(topic, key, error instanceof Error ? error.message : String(error))
  }
}

function misfit(
  topic: string,
  key: string,
  errors: readonly { instancePath: string; message: string }[],
): ControlRecordError {
  const reasons = errors.slice(0, 5).map((e) => `${e.instancePath || 'the value'} ${e.message}`)
  return new ControlRecordError(topic, key, reasons.join('; '))
}
