import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { ServiceProcess } from '@kappa/test/platform/service-process'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { readIngestConfig } from '../config.ts'
import { createIngest } from '../service.ts'
import { contractFiles, delaySchema, schemasFolder, testEnvironment } from './fixture.ts'

export interface Rejected {
  readonly id: string
  readonly topic: string
  readonly version: number | null
  readonly state: string
  readonly error: { readonly code: string; readonly message: string; readonly path: string }
  readonly received_at: number
  readonly client: string
  readonly truncated: boolean
  readonly payload_bytes: number
  readonly payload: { readonly encoding: string; readonly value: unknown }
  readonly history: readonly {
    readonly state: string
    readonly error?: { readonly code: string; readonly path: string }
    readonly event?: { readonly id: string }
  }[]
}

export interface Reply<Body> {
  readonly status: number
  readonly body: Body & {
    readonly error: { readonly code: string; readonly message: string; readonly details: unknown }
  }
}

export interface Listed {
  readonly rejections: readonly Rejected[]
  readonly cursor: string | null
  readonly truncated: boolean
  readonly complete_since: number | null
}

export interface Resubmitted {
  readonly state: string
  readonly repeated: boolean
  readonly event: { readonly id: string; readonly offset: string; readonly version: number }
  readonly position: string | null
}

export interface ResubmittedMany {
  readonly resubmitted: number
  readonly failed: number
  readonly remaining: number
  readonly cursor: string | null
  readonly errors: readonly { readonly id: string; readonly error: { readonly code: string } }[]
}

/** An installation of ingest with topics and rejected events of its own; instances are of it. */
export class Installation {
  readonly namespace = `r-${randomUUID().slice(0, 13)}`
  readonly #environment: Readonly<Record<string, string>>

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.#environment = { KAPPA_NAMESPACE: this.namespace, ...environment }
  }

  topic(label: string): string {
    return `${this.namespace}-${label}`
  }

  /** In this process. */
  async start(labels: readonly string[], options: InstanceOptions = {}): Promise<Instance> {
    const config = readIngestConfig(await this.#environmentOf(labels, options))
    const { url, stop } = await createIngest(config)
    const instance = new Instance(this, url, stop)
    await instance.untilReadable()
    return instance
  }

  /** As a process of its own, to be killed. */
  async startProcess(
    labels: readonly string[],
    options: InstanceOptions = {},
  ): Promise<{ readonly instance: Instance; readonly process: ServiceProcess }> {
    const environment = await this.#environmentOf(labels, options)
    const logFile = join(testStack().stateFolder, `${this.namespace}.log`)
    const process = await ServiceProcess.start('ingest', environment, logFile)
    const instance = new Instance(this, process.url, () => process.stop())
    await instance.untilReadable()
    return { instance, process }
  }

  async #environmentOf(labels: readonly string[], options: InstanceOptions) {
    const files = labels.map((label) => ({
      ...contractFiles(this.topic(label), options.topicFile),
      ...(options.versionTwo && {
        [`${this.topic(label)}/2.avsc`]: JSON.stringify(options.versionTwo),
      }),
    }))
    const folder = await schemasFolder(Object.assign({}, ...files))
    return testEnvironment(folder, { ...this.#environment, ...options.environment })
  }
}

export interface InstanceOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly topicFile?: object
  /** Schema of version 2 of the contracts. */
  readonly versionTwo?: object
}

/** The contract of the fixture with one more field that has a default. */
export const withGate = {
  ...delaySchema,
  fields: [...delaySchema.fields, { name: 'gate', type: 'string', default: '' }],
}

/** One running ingest. */
export class Instance {
  readonly installation: Installation
  readonly url: string
  readonly stop: () => Promise<void>

  constructor(installation: Installation, url: string, stop: () => Promise<void>) {
    this.installation = installation
    this.url = url
    this.stop = stop
  }

  /** Text is sent as NDJSON lines, all else as JSON. */
  async publish(label: string, body: unknown, query = ''): Promise<PublishReply> {
    const lines = typeof body === 'string'
    const response = await fetch(
      `${this.url}/v1/topics/${this.installation.topic(label)}/events${query}`,
      {
        method: 'POST',
        headers: { 'content-type': lines ? 'application/x-ndjson' : 'application/json' },
        body: lines ? body : JSON.stringify(body),
      },
    )
    return { status: response.status, body: (await response.json()) as PublishReply['body'] }
  }

  /** Publishes one event that is rejected, and returns the id that it is kept under. */
  async reject(label: string, event: unknown, query = ''): Promise<string> {
    const { body } = await this.publish(label, event, query)
    const id = body.results?.[0]?.rejection ?? body.error.details?.rejection
    assert.ok(id, JSON.stringify(body))
    return id
  }

  get<Body>(path: string): Promise<Reply<Body>> {
    return this.#ask('GET', path)
  }

  post<Body>(path: string, body?: unknown): Promise<Reply<Body>> {
    return this.#ask('POST', path, body)
  }

  async read(id: string): Promise<Rejected> {
    const { status, body } = await this.get<Rejected>(`/v1/rejected/${id}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }

  resubmit(id: string, fix?: object): Promise<Reply<Resubmitted>> {
    return this.post(`/v1/rejected/${id}/resubmit`, fix)
  }

  async untilReadable(): Promise<void> {
    await until(
      () => this.get('/v1/rejected'),
      ({ status }) => status === 200,
    )
  }

  /** Sums of a metric over its samples that have all the labels. */
  async metric(name: string, label: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const topic = `topic="${this.installation.topic(label)}"`
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(topic))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  async #ask<Body>(method: string, path: string, body?: unknown): Promise<Reply<Body>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    return { status: response.status, body: (await response.json()) as Reply<Body>['body'] }
  }
}

export interface PublishReply {
  readonly status: number
  readonly body: {
    readonly results?: readonly {
      readonly status: string
      readonly id: string
      readonly error?: { readonly code: string }
      readonly rejection?: string
    }[]
    readonly error: { readonly code: string; readonly details?: { readonly rejection?: string } }
  }
}
