import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { chart } from '../kubernetes/installation.ts'

export const namespace = 'analytics'
export const release = 'kappa'

export type Values = Readonly<Record<string, unknown>>

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export interface PodTemplate {
  /** Of the object that it is in: `Deployment kappa-ingest`. */
  readonly owner: string
  readonly metadata: V1ObjectMeta
  readonly spec: V1PodSpec
}

export interface HelmResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The two that charts have to work with. */
export const helms = { 'Helm 4': 'KAPPA_HELM', 'Helm 3': 'KAPPA_HELM_3' } as const
export type Helm = keyof typeof helms

/** @param values written to Helm's standard input, for `--values -` */
export async function runHelm(
  version: Helm,
  args: readonly string[],
  values: Values = {},
): Promise<HelmResult> {
  const command = process.env[helms[version]]
  if (command === undefined) throw new Error(`${helms[version]} is not set. Run: npm test -- chart`)
  // Nothing here may ask a cluster.
  const child = spawn(command, [...args], { env: { ...process.env, KUBECONFIG: '/dev/null' } })
  child.stdin.end(JSON.stringify(values))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { exitCode: await ended, stdout, stderr }
}

/** @throws Error with what Helm said */
export async function render(
  values: Values,
  { version = 'Helm 4', args = [] }: { version?: Helm; args?: readonly string[] } = {},
): Promise<KubernetesObject[]> {
  const result = await runHelm(
    version,
    ['template', release, chart, '--namespace', namespace, '--values', '-', ...args],
    values,
  )
  if (result.exitCode !== 0) throw new Error(result.stderr)
  return parseAllDocuments(result.stdout).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0]
    const object: KubernetesObject | null = document.toJS()
    return object === null ? [] : [object]
  })
}

export function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.name}`
}

/** Every pod that the objects lead to. */
export function podTemplates(objects: readonly KubernetesObject[]): PodTemplate[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Pod')
      return [{ ...(object as unknown as PodTemplate), owner: nameOf(object) }]
    const { template } = (object.spec ?? {}) as { template?: PodTemplate }
    return template === undefined ? [] : [{ ...template, owner: nameOf(object) }]
  })
}

/** @throws Error there is none */
export function find(objects: readonly KubernetesObject[], name: string): KubernetesObject {
  const found = objects.find((object) => nameOf(object) === name)
  if (found === undefined) throw new Error(`There is no ${name}.`)
  return found
}
