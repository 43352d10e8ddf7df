import type { MessageInitShape } from '@bufbuild/protobuf'
import { type Client, ConnectError, createClient, type Transport } from '@connectrpc/connect'
import {
  type AnalyzePlanRequestSchema,
  type AnalyzePlanResponse,
  type ConfigRequest_OperationSchema,
  type InterruptRequest,
  SparkConnectService,
} from '../generated/spark/connect/base_pb.js'
import { errorOfDetails, errorOfStatus, statusInfo, transportError } from './error-mapping.ts'
import { SparkTransportError } from './errors.ts'

type AnalyzeInit = NonNullable<MessageInitShape<typeof AnalyzePlanRequestSchema>['analyze']>
type ConfigInit = NonNullable<MessageInitShape<typeof ConfigRequest_OperationSchema>['opType']>

/** Fields that every request of a session carries. */
export type SessionFields = {
  sessionId: string
  userContext: { userId: string; userName: string }
  clientType: string
  clientObservedServerSideSessionId?: string
}

export type ClientOptions = {
  transport: Transport
  sessionId: string
  userId: string
  /** Deadline of each call that is not given its own. */
  requestTimeoutMs: number
}

/** The calls of one session: fills in the session's fields, sets deadlines, maps errors. */
export class SparkClient {
  readonly rpc: Client<typeof SparkConnectService>
  readonly sessionId: string
  readonly userId: string
  readonly requestTimeoutMs: number
  #serverSideSessionId: string | undefined

  constructor(options: ClientOptions) {
    this.rpc = createClient(SparkConnectService, options.transport)
    this.sessionId = options.sessionId
    this.userId = options.userId
    this.requestTimeoutMs = options.requestTimeoutMs
  }

  /** Includes what the server called this session before, so that it refuses if it was restarted since. */
  fields(): SessionFields {
    const observed = this.#serverSideSessionId
    return {
      sessionId: this.sessionId,
      userContext: { userId: this.userId, userName: this.userId },
      clientType: 'kappa-spark-connect',
      ...(observed === undefined ? {} : { clientObservedServerSideSessionId: observed }),
    }
  }

  observed(response: { serverSideSessionId: string }): void {
    if (response.serverSideSessionId !== '') {
      this.#serverSideSessionId = response.serverSideSessionId
    }
  }

  async analyze(analyze: AnalyzeInit): Promise<AnalyzePlanResponse['result']> {
    const response = await this.call((options) =>
      this.rpc.analyzePlan({ ...this.fields(), analyze }, options),
    )
    this.observed(response)
    return response.result
  }

  async config(operation: ConfigInit): Promise<{ key: string; value?: string | undefined }[]> {
    const response = await this.call((options) =>
      this.rpc.config({ ...this.fields(), operation: { opType: operation } }, options),
    )
    this.observed(response)
    return response.pairs
  }

  async interrupt(
    interruptType: InterruptRequest['interruptType'],
    interrupt: InterruptRequest['interrupt'],
  ): Promise<string[]> {
    const response = await this.call((options) =>
      this.rpc.interrupt({ ...this.fields(), interruptType, interrupt }, options),
    )
    return response.interruptedIds
  }

  async releaseSession(allowReconnect: boolean): Promise<void> {
    const { clientObservedServerSideSessionId: _, ...fields } = this.fields()
    await this.call((options) => this.rpc.releaseSession({ ...fields, allowReconnect }, options))
  }

  /** Runs one unary call with the session's deadline and turns its error into ours. */
  async call<T>(run: (options: { timeoutMs: number }) => Promise<T>): Promise<T> {
    try {
      return await run({ timeoutMs: this.requestTimeoutMs })
    } catch (error) {
      throw await this.mapError(error)
    }
  }

  /** Maps anything that a call threw; asks the server for the details that the status leaves out. */
  async mapError(thrown: unknown): Promise<Error> {
    const error = ConnectError.from(thrown)
    const transport = transportError(error)
    if (transport !== undefined) return transport
    const errorId = statusInfo(error)?.errorId
    if (errorId === undefined) return errorOfStatus(error)
    try {
      const details = await this.rpc.fetchErrorDetails(
        { ...this.fields(), errorId },
        { timeoutMs: this.requestTimeoutMs },
      )
      return errorOfDetails(details) ?? errorOfStatus(error)
    } catch (detailsError) {
      // The first error is the one to tell; a lost session is worth telling instead.
      const lost = transportError(ConnectError.from(detailsError))
      return lost?.kind === 'session_closed' ? lost : errorOfStatus(error)
    }
  }

  /** Throws for an answer that the protocol does not allow here. */
  unexpected(what: string, got: string | undefined): SparkTransportError {
    return new SparkTransportError(
      'protocol',
      `${what}: unexpected answer ${got ?? 'without content'}`,
    )
  }
}
