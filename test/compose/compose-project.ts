import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '@kappa/processes/ports'
import { PlatformClient } from '../platform/platform-client.ts'

const root = join(import.meta.dirname, '..', '..')
const commandTimeoutMs = 900_000
const outputBytesMax = 64 * 1_048_576

/** A container as Docker has it. https://docs.docker.com/reference/api/engine */
export interface Container {
  readonly Name: string
  readonly Config: {
    readonly User: string
    readonly Labels: Readonly<Record<string, string>>
  }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly Privileged: boolean
    readonly CapDrop: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly Memory: number
  }
  readonly NetworkSettings: {
    readonly Ports: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    >
  }
}

/** docker-compose.yml as a project of its own, with ports and secrets of its own. */
export class ComposeProject extends PlatformClient {
  readonly name: string
  readonly ports: readonly number[]
  readonly secretsFolder: string
  readonly ingest: { readonly url: string }
  readonly replay: { readonly url: string }
  readonly results: { readonly url: string }

  private constructor(name: string, secretsFolder: string, ports: readonly number[]) {
    super()
    this.name = name
    this.secretsFolder = secretsFolder
    this.ports = ports
    const [ingest, replay, results] = ports.map((port) => ({ url: `http://127.0.0.1:${port}` }))
    this.ingest = ingest as { url: string }
    this.replay = replay as { url: string }
    this.results = results as { url: string }
  }

  static async create(name: string, secretsFolder: string): Promise<ComposeProject> {
    return new ComposeProject(name, secretsFolder, await freePorts([0, 0, 0]))
  }

  /** @returns what the script said */
  generateSecrets(): Promise<string> {
    return this.#run('sh', ['infra/compose/generate-secrets.sh'])
  }

  /** Standard output of `docker compose …`. @throws Error with what it said on standard error */
  compose(...args: string[]): Promise<string> {
    return this.#run('docker', ['compose', '--project-name', this.name, ...args])
  }

  async containers(): Promise<Container[]> {
    const ids = (await this.compose('ps', '--all', '--quiet')).trim().split('\n')
    return JSON.parse(await this.#run('docker', ['inspect', ...ids]))
  }

  /** Memory of each running container, as `docker stats` has it. */
  async memory(): Promise<Record<string, string>> {
    const format = '{{.Name}}\t{{.MemUsage}}'
    const lines = await this.#run('docker', ['stats', '--no-stream', '--format', format])
    const own = lines.split('\n').filter((line) => line.startsWith(`${this.name}-`))
    return Object.fromEntries(own.map((line) => line.split('\t') as [string, string]))
  }

  /** Names of everything in Docker that belongs to the project. */
  async remains(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.name}`
    const all = ['container ls --all', 'volume ls', 'network ls'].map((command) =>
      this.#run('docker', [...command.split(' '), '--quiet', '--filter', label]),
    )
    return (await Promise.all(all)).join('').split('\n').filter(Boolean)
  }

  async #run(command: string, args: readonly string[]): Promise<string> {
    const [ingest, replay, results] = this.ports
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: root,
      timeout: commandTimeoutMs,
      maxBuffer: outputBytesMax,
      env: {
        ...process.env,
        KAPPA_SECRETS_FOLDER: this.secretsFolder,
        KAPPA_INGEST_PORT: String(ingest),
        KAPPA_REPLAY_PORT: String(replay),
        KAPPA_RESULTS_PORT: String(results),
      },
    })
    return stdout
  }
}
