import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testStack } from '../stack.ts'
import { PlatformClient } from './platform-client.ts'
import { type ServiceName, ServiceProcess } from './service-process.ts'

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

/** What every service is told over the run's Kafka, object store and Redis. */
export function serviceEnvironment({
  namespace,
  redisDatabase,
  applicationsFolder,
  schemasFolder,
  folder,
}: Omit<PlatformOptions, 'environment' | 'replay'> & { readonly folder: string }) {
  const stack = testStack()
  return {
    KAPPA_NAMESPACE: namespace,
    KAPPA_HTTP_PORT: '0',
    KAPPA_KAFKA_BROKERS: stack.kafkaBrokers,
    KAPPA_REDIS_URL: `${stack.redisUrl}/${redisDatabase}`,
    KAPPA_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
    KAPPA_S3_ENDPOINT: stack.s3.endpoint,
    KAPPA_S3_REGION: stack.s3.region,
    KAPPA_S3_BUCKET: stack.s3.bucket,
    KAPPA_S3_CREDENTIALS_FILE: stack.s3.credentialsFile,
    KAPPA_APPLICATIONS_FOLDER: applicationsFolder,
    KAPPA_SCHEMAS_FOLDER: schemasFolder,
    KAPPA_SPARK_JARS_FOLDER: stack.sparkJarsFolder,
    KAPPA_SPARK_ARCHIVE_FILE: stack.sparkArchiveFile,
    KAPPA_SPARK_WORK_FOLDER: join(folder, 'spark'),
    KAPPA_JAVA: stack.java,
    KAPPA_LOG_LEVEL: 'info',
  }
}

/** The three services as processes over the run's Kafka, object store and Redis. */
export class Platform extends PlatformClient {
  override ingest!: ServiceProcess
  override replay!: ServiceProcess
  override results!: ServiceProcess
  readonly folder: string
  readonly redisUrl: string
  readonly #environment: Readonly<Record<string, string>>

  private constructor(options: PlatformOptions) {
    super()
    const stack = testStack()
    this.folder = join(stack.stateFolder, options.namespace)
    this.redisUrl = `${stack.redisUrl}/${options.redisDatabase}`
    mkdirSync(this.folder, { recursive: true })
    this.#environment = {
      ...serviceEnvironment({ ...options, folder: this.folder }),
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

  /** Pid of the release's Spark. */
  sparkPid(application: string, release: number): number {
    const folder = join(this.folder, 'spark', `${application}-${release}`)
    const file = readdirSync(folder).find((name) => name.endsWith('.pid'))
    if (file === undefined) throw new Error(`Spark of ${application}/${release} does not run.`)
    return JSON.parse(readFileSync(join(folder, file), 'utf8')).pid
  }
}
