/** An event that was not accepted because of its content, as it is kept to be fixed and sent again. */
export interface Rejection {
  readonly topic: string
  /** Version of the contract that it was checked by; undefined when it was not known. */
  readonly version: number | undefined
  readonly code: string
  readonly message: string
  /** Where in the event: `$.delay_minutes`; `$` for the whole. */
  readonly path: string
  /** As received: the bytes of this event in the request's body. */
  readonly payload: Buffer
  /** Id that the event would have had from its envelope (CloudEvents); undefined without one. */
  readonly envelopeId: string | undefined
  /** Headers that the envelope's attributes become, to be written again when it is resubmitted. */
  readonly envelopeHeaders?: Readonly<Record<string, string>> | undefined
  /** Epoch milliseconds at which it was received. */
  readonly receivedAtMs: number
  /** Who sent it: the peer's address, or what the configured client header says. */
  readonly client: string
  /** Declared disorder of the import that it was part of, milliseconds; undefined for live events. */
  readonly importDisorderMs: number | undefined
}

/** Where rejections go before the answer that tells of them. */
export interface RejectionSink {
  /**
   * Resolves when all are in the log with acks=all, with their ids in their order.
   * @throws ServiceError retryable: some may not be kept, the request has to be sent again.
   */
  keep(rejections: readonly Rejection[]): Promise<string[]>
}
