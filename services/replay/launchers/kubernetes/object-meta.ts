import type { V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node'

export interface Release {
  readonly application: string
  readonly release: number
}

/** Where the objects of a release go, and to whom they belong. */
export interface ReleaseObjects {
  readonly namespace: string
  /** Taken away with it, should nobody do it before. */
  readonly owner: V1OwnerReference
  /** Of the instance of replay that makes them. */
  readonly epoch: number
  /** Of the cluster: of another start they are others. */
  readonly instance: string
}

type Component = 'spark-driver' | 'spark-executor' | 'spark-cluster'

const OWNER = 'kappa.dev/owner'
const APPLICATION = 'kappa.dev/application'
const RELEASE = 'kappa.dev/release'
const EPOCH = 'kappa.dev/epoch'
const INSTANCE = 'kappa.dev/instance'

/** Of the driver's pod, its Service and the templates; of Secrets and executors the beginning. */
export function nameOf({ application, release }: Release): string {
  return `${application}-${release}`
}

export function objectMeta(
  spec: Release,
  component: Component,
  { namespace, owner, epoch, instance }: ReleaseObjects,
): V1ObjectMeta & { readonly name: string } {
  return {
    name: nameOf(spec),
    namespace,
    labels: {
      'app.kubernetes.io/name': 'kappa',
      'app.kubernetes.io/part-of': 'kappa',
      'app.kubernetes.io/component': component,
      'app.kubernetes.io/managed-by': 'kappa-replay',
      [OWNER]: owner.name,
      [APPLICATION]: spec.application,
      [RELEASE]: String(spec.release),
      [EPOCH]: String(epoch),
      [INSTANCE]: instance,
    },
    ownerReferences: [owner],
  }
}

type SecretOf = 'driver' | 'processes'

/** Of another start it is another one, so that whoever deletes it late deletes nobody else's. */
export function secretNameOf(
  release: Release,
  { instance }: Pick<ReleaseObjects, 'instance'>,
  of: SecretOf,
): string {
  return `${nameOf(release)}-${of}-${instance.slice(0, 8)}`
}

/** Of the start that has made the templates. */
export function secretNamesOf({ metadata }: { metadata?: V1ObjectMeta }): string[] {
  const {
    [APPLICATION]: application,
    [RELEASE]: release,
    [INSTANCE]: instance,
  } = metadata?.labels ?? {}
  if (application === undefined || instance === undefined) return []
  const name = { application, release: Number(release) }
  return (['driver', 'processes'] as const).map((of) => secretNameOf(name, { instance }, of))
}

/** Of everything that belongs to releases of one installation in a namespace. */
export function selectorOfAll(owner: string): string {
  return `${OWNER}=${owner}`
}

export function selectorOf({ application, release }: Release, owner: string): string {
  return `${selectorOfAll(owner)},${APPLICATION}=${application},${RELEASE}=${release}`
}

/** Of what one start of a release has made. */
export function selectorOfInstance(instance: string): string {
  return `${INSTANCE}=${instance}`
}

export function isOfInstance({ metadata }: { metadata?: V1ObjectMeta }, instance: string): boolean {
  return metadata?.labels?.[INSTANCE] === instance
}

export function epochOf({ metadata }: { metadata?: V1ObjectMeta }): number {
  return Number(metadata?.labels?.[EPOCH] ?? 0)
}
