import type { CallOptions, Transport } from './transport.ts'

export type RejectionState = 'open' | 'resubmitting' | 'resubmitted' | 'dismissed'

/** Which rejected events are meant; what is left out means all. */
export interface RejectedFilter {
  readonly topic?: string
  /** Why they were rejected, for example `wrong_type`. */
  readonly code?: string
  /** Received then or later: a date, an RFC 3339 timestamp, or epoch milliseconds as text. */
  readonly from?: string
  /** Received before then. */
  readonly to?: string
}

export interface ListRejectedOptions extends RejectedFilter {
  readonly state?: RejectionState
  /** Rejections in one answer, 1 to 1,000. Default 100. */
  readonly limit?: number
  readonly cursor?: string
}

export interface ListedRejection {
  readonly id: string
  readonly topic: string
  readonly version: number | null
  readonly error: { readonly code: string }
  /** Epoch milliseconds. */
  readonly received_at: number
  readonly client: string
  readonly state: RejectionState
  readonly payload_bytes: number
  /** Its payload is not kept as a whole: to resubmit it, give the payload. */
  readonly truncated: boolean
}

export interface RejectedPage {
  /** Newest first. */
  readonly rejections: readonly ListedRejection[]
  /** To go on with; null at the end. */
  readonly cursor: string | null
  /** There may be older ones that are not listed. */
  readonly truncated: boolean
}

export interface Rejection extends Omit<ListedRejection, 'error'> {
  readonly error: { readonly code: string; readonly message: string; readonly path: string }
  /** As it was received, in the form that ingest documents. */
  readonly payload: unknown
  readonly history: readonly unknown[]
}

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

/** How to fix an event; nothing: send it again as it was received. */
export interface RejectedFix {
  readonly patch?: readonly PatchOperation[]
  /** The event in its place; not together with `patch`. */
  readonly payload?: unknown
  readonly version?: number
}

export interface Resubmitted {
  readonly id: string
  readonly state: 'resubmitted'
  /** It was in the log before this call. */
  readonly repeated: boolean
  readonly event: {
    readonly topic: string
    readonly version: number
    readonly id: string
    readonly partition: number
    readonly offset: string
  }
  readonly position: string | null
}

export interface ResubmittedMany {
  readonly resubmitted: number
  readonly failed: number
  /** Open ones that match and that no call up to this one came to. */
  readonly remaining: number
  readonly cursor: string | null
  /** The first of those that failed. */
  readonly errors: readonly {
    readonly id: string
    readonly error: { readonly code: string; readonly message: string }
  }[]
}

export interface DismissedMany {
  readonly dismissed: number
  readonly remaining: number
  readonly cursor: string | null
}

const root = '/v1/rejected'

/** The events that were not accepted because of their content: find, fix, resubmit, dismiss. */
export class RejectedApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** One page. @throws ApiError, ConnectionError */
  async list(options: ListRejectedOptions = {}, call: CallOptions = {}): Promise<RejectedPage> {
    const given = Object.entries(options).filter(([, value]) => value !== undefined)
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]))
    const path = query.size === 0 ? root : `${root}?${query}`
    return (await this.#transport.get(path, call)) as RejectedPage
  }

  /** @throws ApiError `unknown_rejection`, ConnectionError */
  async get(id: string, call: CallOptions = {}): Promise<Rejection> {
    const path = `${root}/${encodeURIComponent(id)}`
    return (await this.#transport.get(path, call)) as Rejection
  }

  /**
   * Publishes one again. Asking twice with the same fix counts once.
   * @throws ApiError `still_rejected`, `patch_failed`, `already_resubmitted`, …; ConnectionError
   */
  async resubmit(id: string, fix: RejectedFix = {}, call: CallOptions = {}): Promise<Resubmitted> {
    const path = `${root}/${encodeURIComponent(id)}/resubmit`
    return (await this.#transport.post(path, fix, call)) as Resubmitted
  }

  /** All open ones that match, as many as one call takes: go on while there is a cursor. */
  async resubmitMany(
    filter: RejectedFilter,
    fix: Omit<RejectedFix, 'payload'> & { readonly cursor?: string } = {},
    call: CallOptions = {},
  ): Promise<ResubmittedMany> {
    const body = { filter, ...fix }
    return (await this.#transport.post(`${root}/resubmit`, body, call)) as ResubmittedMany
  }

  /** @throws ApiError `unknown_rejection`, `already_resubmitted`; ConnectionError */
  async dismiss(id: string, call: CallOptions = {}): Promise<{ readonly repeated: boolean }> {
    const path = `${root}/${encodeURIComponent(id)}/dismiss`
    return (await this.#transport.post(path, undefined, call)) as { readonly repeated: boolean }
  }

  /** All open ones that match, as many as one call takes: go on while there is a cursor. */
  async dismissMany(
    filter: RejectedFilter,
    options: { readonly cursor?: string } = {},
    call: CallOptions = {},
  ): Promise<DismissedMany> {
    const body = { filter, ...options }
    return (await this.#transport.post(`${root}/dismiss`, body, call)) as DismissedMany
  }
}
