import type { ConfigReader } from '@kappa/service/config'

/** How instances of replay agree on the one that works: by a Lease of Kubernetes. */
export interface LeaderElectionSettings {
  readonly leaseName: string
  /** Of this instance's pod. */
  readonly podName: string
  readonly namespace: string
  /** A leader that has not renewed its lease for so long may be replaced. */
  readonly leaseDurationMs: number
  /** A leader that could not renew its lease for so long stops; less than the above. */
  readonly renewDeadlineMs: number
  /** How often the lease is renewed, or looked at. */
  readonly retryIntervalMs: number
  readonly requestTimeoutMs: number
}

/** @returns undefined where there is only one instance */
export function readLeaderElection(read: ConfigReader): LeaderElectionSettings | undefined {
  const kind = read.oneOf('KAPPA_LEADER_ELECTION', ['none', 'kubernetes'] as const, 'none')
  if (kind === 'none') return undefined
  const leaseDurationMs = read.milliseconds('KAPPA_LEASE_DURATION_MS', {
    default: 15_000,
    min: 1_000,
    max: 600_000,
  })
  return {
    leaseName: read.text('KAPPA_LEASE_NAME'),
    podName: read.text('KAPPA_POD_NAME'),
    namespace: read.text('KAPPA_POD_NAMESPACE'),
    leaseDurationMs,
    renewDeadlineMs: Math.floor((leaseDurationMs * 2) / 3),
    retryIntervalMs: Math.floor(leaseDurationMs / 8),
    requestTimeoutMs: Math.floor(leaseDurationMs / 3),
  }
}
