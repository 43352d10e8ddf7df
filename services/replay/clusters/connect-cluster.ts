import { type ConnectOptions, connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import type { Cluster } from '../launchers/launcher.ts'

/**
 * Opens the session that the queries of a cluster run in, or attaches to it, with the configuration
 * that only a session can be given.
 * @throws SparkTransportError, SparkError; no connection is left then
 */
export async function connectCluster(
  { address, token, instance, sessionConf }: Cluster,
  options: Pick<ConnectOptions, 'userId' | 'requestTimeoutMs' | 'onHeartbeatError'>,
): Promise<SparkSession> {
  const session = await connectSpark({ ...options, address, token, sessionId: instance })
  try {
    if (sessionConf !== undefined) await session.setConfig(sessionConf)
    return session
  } catch (error) {
    session.detach()
    throw error
  }
}
