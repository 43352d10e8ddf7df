import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testStack } from '../stack.ts'
import { type ServiceName, ServiceProcess } from './service-process.ts'
import { waitFor } from './wait.ts'

export interface PlatformOptions {
  /** Prefix of all that this installation keeps: lower case letters, digits and dashes. */
  readonly namespace: string
  /** Redis database, so that flushing one installation leaves the others. */
  readonly redisDatabase: number
  readonly applicationsFolder: string
  readonly schemasFolder: string
  readonly environment?: Readonly<Record<string, string>>
  readonly replay?: ServiceStart
}

/** How a service is started otherwise than usual. */
export interface ServiceStart {
  /** On top of the platform's. */
  readonly environment?: Readonly<Record<string, string>>
  /** What runs in place of the service's own main.ts. */
  readonly main?: string
  /** Log file in the platform's folder, to tell instances apart. */
  readonly log?: string
}

export interface Page {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly next_cursor?: string
  readonly meta: {
    readonly release: number
    readonly position: unknown
    /** ISO 8601. */
    readonly current_at: string
    readonly freshness_ms: number
    readonly complete: boolean
    readonly late_events: number
  }
}

const releaseTimeoutMs = 240_000

/** The three services as processes over the run's Kafka, object store and Redis. */
export class Platform {
  ingest!: ServiceProcess
  replay!: ServiceProcess
  results!: ServiceProcess
  readonly folder: string
  readonly redisUrl: string
  readonly #environment: Readonly<Record<string, string>>

  private constructor(options: PlatformOptions) {
    const stack = testStack()
    this.folder = join(stack.stateFolder, options.namespace)
    this.redisUrl = `${stack.redisUrl}/${options.redisDatabase}`
    mkdirSync(this.folder, { recursive: true })
    this.#environment = {
      KAPPA_NAMESPACE: options.namespace,
      KAPPA_HTTP_PORT: '0',
      KAPPA_KAFKA_BROKERS: stack.kafkaBrokers,
      KAPPA_REDIS_URL: this.redisUrl,
      KAPPA_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
      KAPPA_S3_ENDPOINT: stack.s3.endpoint,
      KAPPA_S3_REGION: stack.s3.region,
      KAPPA_S3_BUCKET: stack.s3.bucket,
      KAPPA_S3_CREDENTIALS_FILE: stack.s3.credentialsFile,
      KAPPA_APPLICATIONS_FOLDER: options.applicationsFolder,
      KAPPA_SCHEMAS_FOLDER: options.schemasFolder,
      KAPPA_SPARK_JARS_FOLDER: stack.sparkJarsFolder,
      KAPPA_SPARK_ARCHIVE_FILE: stack.sparkArchiveFile,
      KAPPA_SPARK_WORK_FOLDER: join(this.folder, 'spark'),
      KAPPA_JAVA: stack.java,
      KAPPA_LOG_LEVEL: 'info',
      ...options.environment,
    }
  }

  /** Starts ingest (which makes the topics), then replay and results; resolves when they listen. */
  static async start(options: PlatformOptions): Promise<Platform> {
    const platform = new Platform(options)
    platform.ingest = await platform.startService('ingest')
    try {
      platform.replay = await platform.startService('replay', options.replay)
      platform.results = await platform.startService('results')
    } catch (error) {
      await platform.stop()
      throw error
    }
    return platform
  }

  startService(name: ServiceName, start: ServiceStart = {}): Promise<ServiceProcess> {
    const environment = { ...this.#environment, ...start.environment }
    const log = join(this.folder, start.log ?? `${name}.log`)
    return ServiceProcess.start(name, environment, log, start.main)
  }

  async stop(): Promise<void> {
    const started: (ServiceProcess | undefined)[] = [this.results, this.replay, this.ingest]
    await Promise.all(started.map((service) => service?.stop()))
  }

  async releaseStatus(application: string): Promise<ReleaseStatus> {
    const status = (await getJson(`${this.replay.url}/v1/applications/${application}`)) as {
      problems: string[]
      releases: ReleaseStatus[]
    }
    const release = status.releases[0]
    if (!release) throw new Error(`No release; problems: ${status.problems.join(' ')}`)
    return release
  }

  async untilLive(application: string): Promise<ReleaseStatus> {
    const state = await waitFor(
      `release of ${application}`,
      async () => {
        const status = await this.releaseStatus(application)
        return status.state === 'live' || status.state === 'failed' ? status : undefined
      },
      releaseTimeoutMs,
    )
    if (state.state === 'failed') throw new Error(`${application} failed: ${state.cause}`)
    return state
  }

  /** Waits until results says that a view holds every event that is in the log now. */
  async untilCurrent(
    application: string,
    views: readonly string[],
    timeoutMs = 300_000,
  ): Promise<void> {
    const since = Date.now()
    for (const view of views) {
      await waitFor(
        `view ${view} current as of now`,
        async () => {
          const page = await this.page(application, view, 'limit=1')
          return Date.parse(page.meta.current_at) >= since ? page : undefined
        },
        timeoutMs,
      )
    }
  }

  /** Pid of the release's Spark. */
  sparkPid(application: string, release: number): number {
    const folder = join(this.folder, 'spark', `${application}-${release}`)
    const file = readdirSync(folder).find((name) => name.endsWith('.pid'))
    if (file === undefined) throw new Error(`Spark of ${application}/${release} does not run.`)
    return JSON.parse(readFileSync(join(folder, file), 'utf8')).pid
  }

  async page(application: string, view: string, query: string): Promise<Page> {
    return (await getJson(`${this.results.url}/v1/views/${application}/${view}?${query}`)) as Page
  }

  /** Every row of a view, page by page, through the results API. */
  async allRows(application: string, view: string): Promise<Page['rows']> {
    const rows: Page['rows'][number][] = []
    let cursor: string | undefined
    do {
      const query = new URLSearchParams({ limit: '1000', ...(cursor ? { cursor } : {}) })
      const page = await this.page(application, view, query.toString())
      rows.push(...page.rows)
      cursor = page.next_cursor
    } while (cursor !== undefined)
    return rows
  }
}

export interface ReleaseStatus {
  readonly release: number
  readonly state: string
  readonly cause: string | null
  readonly cluster: { readonly address: string; readonly starts: number } | null
  readonly views: readonly {
    readonly view: string
    readonly state: string
    readonly output_mode: string
    readonly lag_events: number | null
    readonly rows_dropped_by_watermark: number
    readonly last_error: string | null
    readonly position: {
      readonly batch: number
      readonly late_events: number
      readonly complete: boolean
      readonly undecodable_events: number
      readonly undecodable_newest?: readonly {
        readonly topic: string
        readonly partition: number
        readonly offset: string
        readonly reason: string
      }[]
    }
  }[]
}

/** @throws Error with the answer when it is not 200 */
export async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url)
  const text = await answer.text()
  if (answer.status !== 200)
    throw new Error(`${answer.status} from ${url}: ${text.slice(0, 1_000)}`)
  return JSON.parse(text)
}
