import type { SparkClient } from './client.ts'
import { executeCommand } from './execute.ts'
import type { Relation } from './relation.ts'
import { StreamingQuery } from './streaming-query.ts'

/** When micro-batches run: one after the other, at an interval, or until all that is there is read. */
export type Trigger =
  | { asFastAsPossible: true }
  | { processingTimeMs: number }
  | { availableNow: true }

export type WriteStreamOptions = {
  /** `kafka`, `parquet`, `memory`, `noop`, …. */
  format: string
  queryName?: string
  /** Options of the sink, e.g. `kafka.bootstrap.servers` and `topic`. */
  options?: Record<string, string>
  outputMode: 'append' | 'update' | 'complete'
  /** Default: as fast as possible. */
  trigger?: Trigger
  /** Where Spark keeps offsets and state; a query started on it again goes on where it stopped. */
  checkpointLocation?: string
  /** For file sinks. */
  path?: string
  partitionBy?: string[]
  /** Bound of the start. */
  timeoutMs?: number
}

export async function startStream(
  client: SparkClient,
  input: Relation,
  options: WriteStreamOptions,
): Promise<StreamingQuery> {
  const { checkpointLocation, timeoutMs, path } = options
  const result = await executeCommand(
    client,
    {
      case: 'writeStreamOperationStart',
      value: {
        input,
        format: options.format,
        options: {
          ...options.options,
          ...(checkpointLocation === undefined ? {} : { checkpointLocation }),
        },
        partitioningColumnNames: options.partitionBy ?? [],
        outputMode: options.outputMode,
        queryName: options.queryName ?? '',
        trigger: triggerOf(options.trigger ?? { asFastAsPossible: true }),
        sinkDestination: path === undefined ? { case: undefined } : { case: 'path', value: path },
      },
    },
    'writeStreamOperationStartResult',
    timeoutMs === undefined ? {} : { timeoutMs },
  )
  if (result?.queryId === undefined) throw client.unexpected('writeStream', undefined)
  const { id, runId } = result.queryId
  return new StreamingQuery(client, { id, runId, name: result.name === '' ? null : result.name })
}

function triggerOf(trigger: Trigger) {
  if ('availableNow' in trigger) return { case: 'availableNow', value: true } as const
  const intervalMs = 'processingTimeMs' in trigger ? trigger.processingTimeMs : 0
  return { case: 'processingTimeInterval', value: `${intervalMs} milliseconds` } as const
}
