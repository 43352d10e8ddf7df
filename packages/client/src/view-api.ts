import { ApiError } from './errors.ts'
import { type FollowedEvent, type FollowOptions, followView } from './follow-view.ts'
import { type CallOptions, jsonPost, type StreamOptions, type Transport } from './transport.ts'
import type { ViewCount, ViewMeta, ViewPage, ViewRow, ViewRows } from './view-answers.ts'
import { parseViewEvent, type ViewEvent } from './view-events.ts'
import {
  type AwaitOptions,
  type KeyValue,
  keyJsonValues,
  queryString,
  type RowShapeOptions,
  type ViewFilters,
  type ViewQuery,
} from './view-query.ts'

export type GetOptions<Row> = RowShapeOptions<Row> & AwaitOptions & CallOptions
export type FollowQuery<Row> = ViewFilters<Row> & RowShapeOptions<Row>
export type LinesQuery<Row> = ViewQuery<Row> & { readonly format: 'json' | 'ndjson' | 'csv' }

/** Fewer requests for all rows. */
const pageRowsDefault = 1_000
/** Longer than an answer waits for a position. */
const linesSilenceMsMax = 90_000

/**
 * The rows of one view, of the release that is live.
 * @template Row what a row looks like; it is not checked
 */
export class ViewApi<Row extends object = Record<string, unknown>> {
  readonly #transport: Transport
  readonly #path: string

  constructor(transport: Transport, application: string, view: string) {
    this.#transport = transport
    this.#path = `/v1/views/${encodeURIComponent(application)}/${encodeURIComponent(view)}`
  }

  /**
   * The row of a key.
   * @param key the values of the key columns in their order; as one text separated by commas, or a
   *   JSON array
   * @returns undefined when there is none
   * @throws ApiError `unknown_view`, `bad_filter`, `await_timeout`, …; ConnectionError
   */
  async get(
    key: readonly KeyValue[] | string,
    { signal, ...options }: GetOptions<Row> = {},
  ): Promise<ViewRow<Row> | undefined> {
    const path = `${this.#rowPath(key)}${queryString(options)}`
    try {
      return (await this.#transport.get(path, { signal })) as ViewRow<Row>
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unknown_key') return undefined
      throw error
    }
  }

  /**
   * The rows of up to 1,000 keys, each at the place of its key.
   * @throws ApiError `bad_filter`, `bad_request`, …; ConnectionError
   */
  async getMany(
    keys: readonly (readonly KeyValue[])[],
    { signal, ...options }: GetOptions<Row> = {},
  ): Promise<ViewRows<Row>> {
    const path = `${this.#path}/rows${queryString(options)}`
    const request = jsonPost(path, { keys: keys.map(keyJsonValues) }, { signal })
    return (await this.#transport.call(request)) as ViewRows<Row>
  }

  /** One page. @throws ApiError `unknown_column`, `bad_filter`, `release_changed`, …; ConnectionError */
  async query({ signal, ...query }: ViewQuery<Row> & CallOptions = {}): Promise<ViewPage<Row>> {
    const path = `${this.#path}${queryString(query)}`
    const { rows, next_cursor, meta } = (await this.#transport.get(path, { signal })) as {
      readonly rows: readonly Row[]
      readonly next_cursor?: string
      readonly meta: ViewMeta
    }
    return { rows, nextCursor: next_cursor, meta }
  }

  /**
   * All pages, one after the other; `limit` is that of a page (default 1,000). All are of one release:
   * what was read before a switch is not gone on with.
   *
   * @throws ApiError `release_changed`: begin again; and as `query`
   * @throws ConnectionError
   */
  async *pages(query: ViewQuery<Row> & CallOptions = {}): AsyncGenerator<ViewPage<Row>> {
    // What the first page waited for is in the later ones as well.
    const { await: position, ...asked } = { limit: pageRowsDefault, ...query }
    let page = await this.query(position === undefined ? asked : { ...asked, await: position })
    yield page
    while (page.nextCursor !== undefined) {
      page = await this.query({ ...asked, cursor: page.nextCursor })
      yield page
    }
  }

  /** All rows, page by page: leave the loop where there are enough. @throws as `pages` */
  async *rows(query: ViewQuery<Row> & CallOptions = {}): AsyncGenerator<Row> {
    for await (const page of this.pages(query)) yield* page.rows
  }

  /** @throws ApiError `count_too_large`, `unknown_column`, `bad_filter`, …; ConnectionError */
  async count({
    signal,
    ...query
  }: ViewFilters<Row> & AwaitOptions & CallOptions = {}): Promise<ViewCount> {
    const path = `${this.#path}/count${queryString(query)}`
    return (await this.#transport.get(path, { signal })) as ViewCount
  }

  /**
   * The answer of a query as the service writes it, in which no number loses a digit: NDJSON and CSV
   * with all rows or `limit` of them, JSON with one page.
   *
   * @throws ApiError as `query`
   * @throws ConnectionError also when the answer is cut off, as by a switch of the release
   */
  bytes(query: LinesQuery<Row>, options: StreamOptions = {}): AsyncGenerator<Buffer> {
    return this.#bytes(`${this.#path}${queryString(query)}`, options)
  }

  /** The answer of `get` as the service writes it. @throws ApiError `unknown_key`, …; ConnectionError */
  rowBytes(
    key: readonly KeyValue[] | string,
    options: RowShapeOptions<Row> & AwaitOptions = {},
    stream: StreamOptions = {},
  ): AsyncGenerator<Buffer> {
    return this.#bytes(`${this.#rowPath(key)}${queryString(options)}`, stream)
  }

  /**
   * All rows, then every change of them, for ever: it goes on by itself after breaks. Ends when
   * `signal` says so.
   *
   * @throws ApiError what does not pass: `unknown_view`, `bad_filter`, `bad_cursor`, …
   * @throws ConnectionError `no_answer` an event is not JSON
   */
  async *subscribe(
    query: FollowQuery<Row> = {},
    options: FollowOptions = {},
  ): AsyncGenerator<ViewEvent<Row>> {
    for await (const told of this.subscribeTexts(query, options)) yield parseViewEvent<Row>(told)
  }

  /** The same with the data of each event as JSON text, in which no number loses a digit. */
  subscribeTexts(
    query: FollowQuery<Row> = {},
    options: FollowOptions = {},
  ): AsyncGenerator<FollowedEvent> {
    return followView(this.#transport, `${this.#path}/changes${queryString(query)}`, options)
  }

  #bytes(path: string, options: StreamOptions): AsyncGenerator<Buffer> {
    return this.#transport.stream(path, {}, linesSilenceMsMax, options)
  }

  #rowPath(key: readonly KeyValue[] | string): string {
    const isPlain = typeof key === 'string' && !/^\.{1,2}$/.test(key)
    // A dot or two would be taken for a step in the path.
    const values = typeof key === 'string' ? [key] : keyJsonValues(key)
    return `${this.#path}/rows/${encodeURIComponent(isPlain ? key : JSON.stringify(values))}`
  }
}
