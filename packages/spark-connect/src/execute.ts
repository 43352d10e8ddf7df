import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import type { ExecutePlanResponse, PlanSchema } from '../generated/spark/connect/base_pb.js'
import type { CommandSchema } from '../generated/spark/connect/commands_pb.js'
import type { SparkClient } from './client.ts'
import { isBrokenConnection } from './error-mapping.ts'
import { SparkTransportError } from './errors.ts'

const REATTACH_ATTEMPTS_MAX = 8
const REATTACH_BACKOFF_MS = 50
const REATTACH_BACKOFF_MS_MAX = 5_000
const RESPONSES_PER_RELEASE = 64

export type ExecuteOptions = {
  /** Bound of the whole execution; `Infinity` for an endless one, which `signal` ends. */
  timeoutMs?: number
  signal?: AbortSignal
  tags?: string[]
}

/**
 * Executes a plan and yields its responses, each once and in order.
 *
 * The execution is reattachable (Spark's ReattachOptions): it has an operation id of ours and lives
 * on the server apart from the stream that carries its responses. The server ends that stream after
 * two minutes (`spark.connect.execute.reattachable.senderMaxStreamDuration`), and connections
 * break; both are met with ReattachExecute after the last response seen. When the consumer stops early, fails or
 * finishes, ReleaseExecute frees the execution, which also interrupts it if it still runs.
 */
export async function* execute(
  client: SparkClient,
  plan: MessageInitShape<typeof PlanSchema>,
  options: ExecuteOptions = {},
): AsyncGenerator<ExecutePlanResponse> {
  const operationId = randomUUID()
  const endsAt = performance.now() + (options.timeoutMs ?? client.requestTimeoutMs)
  let lastResponseId: string | undefined
  let complete = false
  let started = false
  let failures = 0
  let sinceRelease = 0

  const open = (): AsyncIterable<ExecutePlanResponse> => {
    const timeoutMs = Math.ceil(endsAt - performance.now())
    if (timeoutMs <= 0)
      throw new ConnectError('the execution exceeded its bound', Code.DeadlineExceeded)
    const callOptions = {
      ...(Number.isFinite(timeoutMs) ? { timeoutMs } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    }
    const fields = { ...client.fields(), operationId }
    if (started) {
      const after = lastResponseId === undefined ? {} : { lastResponseId }
      return client.rpc.reattachExecute({ ...fields, ...after }, callOptions)
    }
    return client.rpc.executePlan(
      {
        ...fields,
        plan,
        tags: options.tags ?? [],
        requestOptions: [
          { requestOption: { case: 'reattachOptions', value: { reattachable: true } } },
        ],
      },
      callOptions,
    )
  }

  try {
    while (!complete) {
      try {
        const stream = open()
        for await (const response of stream) {
          started = true
          failures = 0
          lastResponseId = response.responseId
          client.observed(response)
          if (response.responseType.case === 'resultComplete') {
            // The stream is read to its end: a call that is left early keeps its deadline's timer.
            complete = true
            continue
          }
          yield response
          sinceRelease += 1
          if (sinceRelease >= RESPONSES_PER_RELEASE) {
            sinceRelease = 0
            await release(client, operationId, {
              case: 'releaseUntil',
              value: { responseId: response.responseId },
            })
          }
        }
        started = true
      } catch (thrown) {
        if (complete) break
        const error = ConnectError.from(thrown)
        // The server never got the plan: the same operation id makes sending it again harmless.
        const neverArrived: boolean =
          started && lastResponseId === undefined && isOperationNotFound(error)
        if (!isCutStream(error, options.signal) && !neverArrived) throw await client.mapError(error)
        failures += 1
        if (failures > REATTACH_ATTEMPTS_MAX) throw await client.mapError(error)
        started = !neverArrived
        const backoffMs = Math.min(REATTACH_BACKOFF_MS * 2 ** failures, REATTACH_BACKOFF_MS_MAX)
        const waitMs = Math.min(backoffMs, Math.max(0, endsAt - performance.now()))
        await waitFor(waitMs, options.signal)
      }
    }
  } finally {
    await release(client, operationId, { case: 'releaseAll', value: {} })
  }
}

type Results = {
  [R in ExecutePlanResponse['responseType'] as R['case'] & string]: R extends { value: infer V }
    ? V
    : never
}

/** Executes a command and returns its last result of the wanted kind. */
export async function executeCommand<Case extends keyof Results>(
  client: SparkClient,
  commandType: NonNullable<MessageInitShape<typeof CommandSchema>['commandType']>,
  wanted: Case,
  options: ExecuteOptions = {},
): Promise<Results[Case] | undefined> {
  const plan = { opType: { case: 'command', value: { commandType } } } as const
  let result: Results[Case] | undefined
  for await (const { responseType } of execute(client, plan, options)) {
    if (responseType.case === wanted) result = responseType.value as Results[Case]
  }
  return result
}

/** Executes a command that has no result. */
export async function runCommand(
  client: SparkClient,
  commandType: NonNullable<MessageInitShape<typeof CommandSchema>['commandType']>,
  options: ExecuteOptions = {},
): Promise<void> {
  await executeCommand(client, commandType, 'resultComplete', options)
}

async function release(
  client: SparkClient,
  operationId: string,
  what:
    | { case: 'releaseAll'; value: object }
    | { case: 'releaseUntil'; value: { responseId: string } },
): Promise<void> {
  try {
    await client.rpc.releaseExecute(
      { ...client.fields(), operationId, release: what },
      { timeoutMs: client.requestTimeoutMs },
    )
  } catch (error) {
    // Only frees memory early: the server drops an abandoned execution after five minutes itself.
    if (!(error instanceof ConnectError)) throw error
  }
}

function isCutStream(error: ConnectError, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted === true) return false
  return isBrokenConnection(error)
}

function isOperationNotFound(error: ConnectError): boolean {
  return error.rawMessage.includes('INVALID_HANDLE.OPERATION_NOT_FOUND')
}

async function waitFor(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(waitMs, undefined, signal === undefined ? {} : { signal })
  } catch (cause) {
    throw new SparkTransportError('cancelled', 'the call was aborted', { cause })
  }
}
