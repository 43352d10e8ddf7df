import {
  StreamingQueryEventType as EventType,
  type StreamingQueryListenerEvent,
} from '../generated/spark/connect/commands_pb.js'
import type { SparkClient } from './client.ts'
import { execute, runCommand } from './execute.ts'
import { asObject, asText, parseExactJson } from './json.ts'
import { progressOf, type StreamingQueryProgress } from './progress.ts'

/**
 * - `progress`: a batch was committed.
 * - `idle`: nothing new to read; at most one each `spark.sql.streaming.noDataProgressEventInterval`.
 * - `terminated`: the query ended; `error` is the text of its failure, absent when it was stopped.
 */
export type StreamingQueryEvent =
  | { type: 'listening' }
  | { type: 'progress'; id: string; runId: string; progress: StreamingQueryProgress }
  | { type: 'idle'; id: string; runId: string; timestamp: string }
  | { type: 'terminated'; id: string; runId: string; error?: string; errorClass?: string }

/**
 * Subscribes to Spark Connect's listener bus: one endless execution whose responses are the events.
 * The first item is `listening`: what happens after it is not missed. Ends when `signal` aborts.
 */
export async function* streamingQueryEvents(
  client: SparkClient,
  signal: AbortSignal,
): AsyncGenerator<StreamingQueryEvent> {
  // A session has one listener: take it from a consumer that died without saying so.
  await runCommand(client, listenerBus('removeListenerBusListener'))
  const plan = {
    opType: { case: 'command', value: { commandType: listenerBus('addListenerBusListener') } },
  } as const
  try {
    for await (const { responseType } of execute(client, plan, { timeoutMs: Infinity, signal })) {
      if (responseType.case !== 'streamingQueryListenerEventsResult') continue
      if (responseType.value.listenerBusListenerAdded === true) yield { type: 'listening' }
      for (const event of responseType.value.events) yield eventOf(event)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function listenerBus(command: 'addListenerBusListener' | 'removeListenerBusListener') {
  return {
    case: 'streamingQueryListenerBusCommand',
    value: { command: { case: command, value: true } },
  } as const
}

/** Turns an event of Spark's into ours. Throws on one that is not understood. */
export function eventOf({
  eventType,
  eventJson,
}: StreamingQueryListenerEvent): StreamingQueryEvent {
  const json = asObject(parseExactJson(eventJson))
  const id = asText(json.id)
  const runId = asText(json.runId)
  switch (eventType) {
    case EventType.QUERY_PROGRESS_EVENT: {
      const progress = progressOf(asObject(json.progress))
      return { type: 'progress', id: progress.id, runId: progress.runId, progress }
    }
    case EventType.QUERY_IDLE_EVENT:
      return { type: 'idle', id, runId, timestamp: asText(json.timestamp) }
    case EventType.QUERY_TERMINATED_EVENT: {
      const error = asText(json.exception)
      const errorClass = asText(json.errorClassOnException)
      return {
        type: 'terminated',
        id,
        runId,
        ...(error ? { error } : {}),
        ...(errorClass ? { errorClass } : {}),
      }
    }
    default:
      throw new TypeError(`unknown streaming query event ${eventType}: ${eventJson.slice(0, 200)}`)
  }
}
