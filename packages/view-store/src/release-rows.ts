import type { Redis } from 'ioredis'
import { nodesOf } from './redis-client.ts'

type RowsClient = Pick<Redis, 'scan' | 'unlink' | 'memory'>

/** How many keys one SCAN looks at and, about, one UNLINK frees. */
const scanCount = 500

/** A release that has something in Redis. */
export interface ReleaseWithRows {
  readonly application: string
  readonly release: number
}

/**
 * Everything that releases have in Redis, whatever their views and partitions are: the keys of
 * `slotOf`. The nodes of a cluster are scanned one after the other.
 */
export class ReleaseRows {
  readonly #redis: RowsClient
  readonly #namespace: string

  constructor(redis: RowsClient, namespace: string) {
    this.#redis = redis
    this.#namespace = namespace
  }

  /**
   * Removes all keys of a release, as they are found.
   * @param onRemoved told after each bounded part of them
   * @returns how many keys it removed
   * @throws the client's error while Redis is away, the signal's reason when aborted
   */
  async removeRows(
    application: string,
    release: number,
    options: { signal?: AbortSignal; onRemoved?: (keys: number) => void } = {},
  ): Promise<number> {
    let removed = 0
    for await (const keys of this.#scan(slotsOf(application, release), options.signal)) {
      // One by one: in a cluster a command has keys of one slot only.
      const unlinked = await Promise.all(keys.map((key) => this.#redis.unlink(key)))
      const removedNow = unlinked.reduce((sum, count) => sum + count, 0)
      removed += removedNow
      options.onRemoved?.(removedNow)
    }
    return removed
  }

  /** The memory that the rows of a release take, about: of large keys a part is looked at. */
  async bytesOf(application: string, release: number): Promise<number> {
    let bytes = 0
    for await (const keys of this.#scan(slotsOf(application, release), undefined)) {
      const sizes = await Promise.all(keys.map((key) => this.#redis.memory('USAGE', key)))
      bytes += sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
    }
    return bytes
  }

  /** Every release that has a key, once. */
  async releasesWithRows(signal?: AbortSignal): Promise<ReleaseWithRows[]> {
    const found = new Map<string, ReleaseWithRows>()
    const prefixLength = `${this.#namespace}:`.length
    for await (const keys of this.#scan('*/*/*/*', signal)) {
      for (const key of keys) {
        const [, application, release] = slotKey.exec(key.slice(prefixLength)) ?? []
        if (application === undefined) continue
        found.set(`${application}/${release}`, { application, release: Number(release) })
      }
    }
    return [...found.values()]
  }

  /** Keys whose hash tag is like `slots`, page by page, without empty pages. */
  async *#scan(slots: string, signal: AbortSignal | undefined): AsyncGenerator<string[]> {
    const pattern = `${escapeGlob(this.#namespace)}:{${slots}}:*`
    for (const node of nodesOf(this.#redis)) {
      let cursor = '0'
      do {
        signal?.throwIfAborted()
        const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount)
        if (keys.length > 0) yield keys
        cursor = next
      } while (cursor !== '0')
    }
  }
}

/** `{application/release/view/partition}:part`, as `slotOf` writes it. */
const slotKey = /^\{([^/{}]+)\/([1-9]\d*)\/[^/{}]+\/\d+\}:[a-z]+\d?$/

/** Glob of a release's hash tags. */
function slotsOf(application: string, release: number): string {
  return `${escapeGlob(`${application}/${release}/`)}*`
}

/** Text that MATCH takes literally. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}
