import { createServer, type Socket } from 'node:net'
import { type CoreV1Api, type KubeConfig, PortForward, type V1Pod } from '@kubernetes/client-node'

export interface PodsBehind {
  readonly namespace: string
  /** Labels, as a Service selects by them, or the name of one pod. */
  readonly labelSelector?: string
  readonly pod?: string
  readonly port: number
}

export interface Forward {
  readonly port: number
  close(): Promise<void>
}

/**
 * A port of this machine that leads to pods, as a Service does: each connection goes to one that is
 * ready then, so it outlives them. A connection for which there is none is closed.
 */
export async function forwardPort(
  config: KubeConfig,
  core: CoreV1Api,
  target: PodsBehind,
): Promise<Forward> {
  const sockets = new Set<Socket>()
  let next = 0
  const pick = async (): Promise<string | undefined> => {
    if (target.pod !== undefined) return target.pod
    const { namespace, labelSelector } = target
    const list = await core.listNamespacedPod({
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    })
    const ready = list.items.filter(isReady)
    next += 1
    return ready[next % ready.length]?.metadata?.name
  }
  const connect = async (socket: Socket): Promise<void> => {
    const pod = await pick()
    if (pod === undefined) {
      socket.destroy()
      return
    }
    const forward = new PortForward(config)
    const { namespace, port } = target
    const tunnel = await forward.portForward(namespace, pod, [port], socket, null, socket)
    const end = () => socket.destroy()
    if ('on' in tunnel) {
      tunnel.on('close', end)
      tunnel.on('error', end)
      socket.on('close', () => tunnel.close())
    }
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    connect(socket).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<unknown>((resolve) => server.close(resolve))
    },
  }
}

export function isReady({ metadata, status }: V1Pod): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false
  return (
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  )
}
