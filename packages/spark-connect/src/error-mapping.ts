import { Code, type ConnectError } from '@connectrpc/connect'
import { ErrorInfoSchema } from '../generated/google/rpc/error_details_pb.js'
import type {
  FetchErrorDetailsResponse,
  FetchErrorDetailsResponse_Error,
} from '../generated/spark/connect/base_pb.js'
import {
  SparkError,
  type SparkErrorDetails,
  SparkTransportError,
  type SparkTransportErrorKind,
  type SqlPosition,
} from './errors.ts'

const TRANSPORT_KINDS: Partial<Record<Code, SparkTransportErrorKind>> = {
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.DeadlineExceeded]: 'deadline',
  [Code.Canceled]: 'cancelled',
}

const SESSION_GONE = /^INVALID_HANDLE\.SESSION_(CLOSED|CHANGED|NOT_FOUND)$/

/** What the status of a failed call tells by itself, before any details are fetched. */
export type StatusInfo = {
  /** Present when the server keeps details of the error: pass it to FetchErrorDetails. */
  errorId?: string
  errorClass?: string
  sqlState?: string
  javaClass?: string
}

/** Reads google.rpc.ErrorInfo, which Spark puts into the status of each error of its own. */
export function statusInfo(error: ConnectError): StatusInfo | undefined {
  const [info] = error.findDetails(ErrorInfoSchema)
  if (info === undefined) return undefined
  const { errorId, errorClass, sqlState } = info.metadata
  return {
    ...(errorId ? { errorId } : {}),
    ...(errorClass ? { errorClass } : {}),
    ...(sqlState ? { sqlState } : {}),
    ...(info.reason ? { javaClass: info.reason } : {}),
  }
}

/** True if the connection broke under a call, which says nothing about what the call did. */
export function isBrokenConnection(error: ConnectError): boolean {
  if (error.code === Code.Unavailable || error.code === Code.Aborted) return true
  // A socket that closes resets its streams: looks like a cancel, but no one here asked for one.
  return error.code === Code.Canceled && error.rawMessage.startsWith('http/2 stream closed')
}

/** Maps a failed call whose cause is the transport or the session; undefined if Spark itself said no. */
export function transportError(error: ConnectError): SparkTransportError | undefined {
  const info = statusInfo(error)
  const errorClass = info?.errorClass ?? /^\[([A-Z_.]+)\]/.exec(error.rawMessage)?.[1]
  if (errorClass !== undefined && SESSION_GONE.test(errorClass)) {
    return new SparkTransportError('session_closed', error.rawMessage, { cause: error })
  }
  const kind = isBrokenConnection(error) ? 'unavailable' : TRANSPORT_KINDS[error.code]
  if (kind !== undefined) return new SparkTransportError(kind, error.message, { cause: error })
  if (info !== undefined || errorClass !== undefined || error.code === Code.Internal) {
    return undefined
  }
  return new SparkTransportError('protocol', error.message, { cause: error })
}

/** The best error without FetchErrorDetails: its message may be cut and has no causes. */
export function errorOfStatus(error: ConnectError): SparkError {
  const position = positionIn(error.rawMessage)
  const { errorId: _, ...info } = statusInfo(error) ?? {}
  const errorClass = info.errorClass ?? /^\[([A-Z_.]+)\]/.exec(error.rawMessage)?.[1]
  return new SparkError(withoutPlan(error.rawMessage), {
    ...info,
    ...(errorClass === undefined ? {} : { errorClass }),
    ...(position === undefined ? {} : { position }),
  })
}

/** Maps FetchErrorDetails' answer to an error with its causes; undefined if the server forgot the error. */
export function errorOfDetails(response: FetchErrorDetailsResponse): SparkError | undefined {
  const { rootErrorIdx } = response
  return rootErrorIdx === undefined ? undefined : build(response.errors, rootErrorIdx, new Set())
}

function build(
  errors: FetchErrorDetailsResponse_Error[],
  index: number,
  seen: Set<number>,
): SparkError | undefined {
  const error = errors[index]
  if (error === undefined || seen.has(index)) return undefined
  seen.add(index)
  const cause = error.causeIdx === undefined ? undefined : build(errors, error.causeIdx, seen)
  const position = positionOf(error)
  const [javaClass] = error.errorTypeHierarchy
  const { errorClass, sqlState, messageParameters } = error.sparkThrowable ?? {}
  const details: SparkErrorDetails = {
    ...(errorClass ? { errorClass } : {}),
    ...(sqlState ? { sqlState } : {}),
    ...(messageParameters ? { messageParameters } : {}),
    ...(javaClass ? { javaClass } : {}),
    ...(position ? { position } : {}),
    ...(cause ? { cause } : {}),
  }
  return new SparkError(withoutPlan(error.message), details)
}

function positionOf(error: FetchErrorDetailsResponse_Error): SqlPosition | undefined {
  for (const context of error.sparkThrowable?.queryContexts ?? []) {
    const found = positionIn(context.summary)
    if (found === undefined) continue
    const { fragment, objectType, objectName } = context
    return {
      ...found,
      ...(fragment ? { fragment } : {}),
      ...(objectType ? { objectType } : {}),
      ...(objectName ? { objectName } : {}),
    }
  }
  return positionIn(error.message)
}

/**
 * Spark tells the position only as text: `== SQL (line 2, position 8) ==` (query contexts) or
 * `line 2 pos 7`, `(line 2, pos 7)` (parser, analyser, which counts positions from 0).
 */
function positionIn(text: string): SqlPosition | undefined {
  const context = /\(line (\d+), position (\d+)\)/.exec(text)
  if (context) return { line: Number(context[1]), startPosition: Number(context[2]) }
  const parser = /\bline (\d+),? pos (\d+)/.exec(text)
  if (parser) return { line: Number(parser[1]), startPosition: Number(parser[2]) + 1 }
  return undefined
}

/**
 * Analysis errors and failed queries carry whole plans after the sentence, which name nothing that the
 * user wrote and run to many pages.
 */
function withoutPlan(message: string): string {
  return message
    .replace(/\n=== Streaming Query ===\n[\s\S]*$/, '')
    .replace(/(; line \d+ pos \d+)?;\n['+~\w][\s\S]*$/, '$1')
    .trim()
}
