import { ConfigError } from '@kappa/service/config'
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  PatchStrategy,
  ServerConfiguration,
  setHeaderOptions,
} from '@kubernetes/client-node'

/** The Kubernetes API as the current context has it: in a pod the pod's account, else kubeconfig. */
export class KubernetesApi {
  readonly config: KubeConfig
  readonly core: CoreV1Api
  readonly coordination: CoordinationV1Api

  /** @throws ConfigError there is no context */
  constructor(requestTimeoutMs: number) {
    this.config = new KubeConfig()
    this.config.loadFromDefault()
    const client = clientConfiguration(this.config, requestTimeoutMs)
    this.core = new CoreV1Api(client)
    this.coordination = new CoordinationV1Api(client)
  }
}

/** Every call has a time-out, which the client by itself does not give it. */
function clientConfiguration(config: KubeConfig, requestTimeoutMs: number) {
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new ConfigError([
      'There is no Kubernetes: neither is this a pod with an account, nor has a kubeconfig a current context.',
    ])
  }
  return createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setSignal(AbortSignal.timeout(requestTimeoutMs))
          return request
        },
        post: async (response) => response,
      },
    ],
  })
}

/** For calls that patch: what is given replaces what was there, null removes it. */
export const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)

export function hasStatus(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code
}

/** @returns undefined where there is no such object */
export async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (hasStatus(error, 404)) return undefined
    throw error
  }
}

/** An error of the API in its own words, without the headers and bodies that the client quotes. */
export function inWords(error: unknown): string {
  if (error instanceof ApiException) {
    const message = messageOf(error.body)
    return message ?? `Kubernetes answered ${error.code}.`
  }
  return error instanceof Error ? error.message : String(error)
}

function messageOf(body: unknown): string | undefined {
  try {
    const value: unknown = typeof body === 'string' ? JSON.parse(body) : body
    if (typeof value !== 'object' || value === null || !('message' in value)) return undefined
    return String(value.message)
  } catch {
    return undefined
  }
}
