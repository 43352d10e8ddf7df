import {
  ApiException,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  ServerConfiguration,
} from '@kubernetes/client-node'
import { ClusterError } from '../launcher.ts'

/** The Kubernetes API as the current context has it: in a pod the pod's account, else kubeconfig. */
export class KubernetesApi {
  readonly config: KubeConfig
  readonly core: CoreV1Api

  constructor(requestTimeoutMs: number) {
    const config = new KubeConfig()
    config.loadFromDefault()
    this.config = config
    this.core = new CoreV1Api(clientConfiguration(config, requestTimeoutMs))
  }
}

/** Every call has a time-out, which the client by itself does not give it. */
export function clientConfiguration(config: KubeConfig, requestTimeoutMs: number) {
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new ClusterError('There is no Kubernetes cluster in the current context.')
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
