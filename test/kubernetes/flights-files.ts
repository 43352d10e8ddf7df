import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { CoreV1Api } from '@kubernetes/client-node'

const folder = join(import.meta.dirname, '..', '..', 'applications')
const name = 'flights-files'

/** The example application as a ConfigMap, so that its views can be changed while it is installed. */
export class FlightsFiles {
  readonly #core: CoreV1Api
  readonly #namespace: string
  readonly #data: Record<string, string>
  /** As the chart mounts it. */
  readonly volume: object

  constructor(core: CoreV1Api, namespace: string) {
    this.#core = core
    this.#namespace = namespace
    const files = readdirSync(join(folder, 'flights'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(yaml|sql|csv)$/.test(entry.name))
      .map(({ parentPath, name: file }) => relative(folder, join(parentPath, file)))
      .filter((path) => !/\/(node_modules|test|sample)\//.test(path))
    const keyOf = (path: string) => path.replaceAll('/', '.')
    this.#data = Object.fromEntries(
      files.map((path) => [keyOf(path), readFileSync(join(folder, path), 'utf8')]),
    )
    const items = files.map((path) => ({ key: keyOf(path), path }))
    this.volume = { configMap: { name, items } }
  }

  async create(): Promise<void> {
    await this.#core.createNamespacedConfigMap({
      namespace: this.#namespace,
      body: { metadata: { name }, data: this.#data },
    })
  }

  /** Pods see it when Kubernetes has looked for changes, within a minute or so. */
  async change(view: string, change: (sql: string) => string): Promise<void> {
    const key = `flights.views.${view}.sql`
    this.#data[key] = change(this.#data[key] ?? '')
    await this.#core.replaceNamespacedConfigMap({
      name,
      namespace: this.#namespace,
      body: { metadata: { name }, data: this.#data },
    })
  }

  async remove(): Promise<void> {
    await this.#core.deleteNamespacedConfigMap({ name, namespace: this.#namespace })
  }
}
