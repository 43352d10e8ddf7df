import type { Kafka } from '@kappa/kafka/port'
import type { ControlState } from '../control/control-state.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import { ChangeFeed, type FeedSettings } from './change-feed.ts'

/** How long a feed that nobody follows is kept. */
const idleMs = 5_000
const controlWaitMs = 1_000

export interface FeedLease {
  readonly feed: ChangeFeed
  release(): void
}

interface Held {
  readonly feed: Promise<ChangeFeed>
  users: number
  idle?: NodeJS.Timeout
}

/** One feed for each view that anybody follows. */
export class ChangeFeeds {
  readonly #kafka: Kafka
  readonly #control: ControlState
  readonly #settings: FeedSettings & { readonly groupPrefix: string }
  readonly #held = new Map<LoadedView, Held>()
  readonly #running: Promise<void>
  #closed = false

  constructor(
    kafka: Kafka,
    control: ControlState,
    settings: FeedSettings & { readonly groupPrefix: string },
  ) {
    this.#kafka = kafka
    this.#control = control
    this.#settings = settings
    this.#running = this.#notifyOfControl()
  }

  /** @throws KafkaError */
  async lease(view: LoadedView): Promise<FeedLease> {
    const held = this.#held.get(view) ?? this.#open(view)
    clearTimeout(held.idle)
    held.users += 1
    const release = () => {
      held.users -= 1
      if (held.users === 0) held.idle = setTimeout(() => this.#close(view, held), idleMs)
    }
    try {
      const feed = await held.feed
      if (feed.failure === undefined) return { feed, release }
      release()
      await this.#close(view, held)
      return this.lease(view)
    } catch (error) {
      held.users = 0
      if (this.#held.get(view) === held) this.#held.delete(view)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#held].map(([view, held]) => this.#close(view, held)))
    await this.#running
  }

  #open(view: LoadedView): Held {
    const feed = new ChangeFeed(this.#kafka, view, this.#settings)
    const held: Held = {
      feed: feed.start(this.#settings.groupPrefix).then(() => feed),
      users: 0,
    }
    this.#held.set(view, held)
    return held
  }

  async #close(view: LoadedView, held: Held): Promise<void> {
    clearTimeout(held.idle)
    if (this.#held.get(view) === held) this.#held.delete(view)
    await held.feed.then((feed) => feed.close()).catch(() => undefined)
  }

  /** Positions and switches matter to who follows a view, too. */
  async #notifyOfControl(): Promise<void> {
    while (!this.#closed) {
      await this.#control.change(controlWaitMs)
      for (const { feed } of this.#held.values()) {
        feed.then((open) => open.notify()).catch(() => undefined)
      }
    }
  }
}
