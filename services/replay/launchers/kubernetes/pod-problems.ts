import type { V1ContainerState, V1Pod } from '@kubernetes/client-node'

/** What keeps a pod from running, or has ended it, in words; undefined for one that is well. */
export interface PodProblem {
  readonly text: string
  /** Whether waiting cannot help: a new pod would be needed, or a change by hand. */
  readonly final: boolean
}

const hopelessWaits = new Map([
  ['ImagePullBackOff', 'its image cannot be pulled'],
  ['ErrImageNeverPull', 'its image is not on the node and may not be pulled'],
  ['InvalidImageName', 'the name of its image is wrong'],
  ['CreateContainerConfigError', 'its container cannot be made'],
  ['CreateContainerError', 'its container cannot be made'],
  ['RunContainerError', 'its container cannot be started'],
])

export function problemOf(pod: V1Pod): PodProblem | undefined {
  const name = pod.metadata?.name ?? 'a pod'
  const ended = endOf(pod)
  if (ended !== undefined) return { text: `Pod ${name} ${ended}`, final: true }
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const why = hopelessWaits.get(state?.waiting?.reason ?? '')
    if (why === undefined) continue
    const message = state?.waiting?.message ?? state?.waiting?.reason
    return { text: `Pod ${name} does not start: ${why} (${message}).`, final: true }
  }
  const unscheduled = pod.status?.conditions?.find(
    ({ type, status, reason }) =>
      type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  )
  if (!unscheduled) return undefined
  return { text: `Pod ${name} cannot be scheduled: ${unscheduled.message}`, final: false }
}

/** How a pod came to its end; undefined while it has not. */
function endOf(pod: V1Pod): string | undefined {
  const { status } = pod
  const killed = status?.containerStatuses?.map(({ state }) => state?.terminated).find(Boolean)
  if (killed?.reason === 'OOMKilled') {
    return `was killed, because it took more memory than its limit of ${limitOf(pod)}: give it more, with spark.memory in application.yaml for executors, or driver.memory of the launcher's settings for drivers.`
  }
  const disrupted = status?.conditions?.find(
    ({ type, status: holds }) => type === 'DisruptionTarget' && holds === 'True',
  )
  if (disrupted) return `was ended by Kubernetes (${disrupted.reason}): ${disrupted.message}`
  if (status?.reason === 'Evicted' || status?.reason === 'NodeLost') {
    return `was ended by Kubernetes (${status.reason}): ${status.message}`
  }
  if (killed) return howEnded(killed)
  if (status?.phase !== 'Failed' && status?.phase !== 'Succeeded') return undefined
  return `has ended (${status.phase}${status.message ? `: ${status.message}` : ''}).`
}

function howEnded({ signal, exitCode }: NonNullable<V1ContainerState['terminated']>): string {
  // A shell's way to say which signal has ended a process.
  const number = signal ?? (exitCode > 128 ? exitCode - 128 : undefined)
  return number === undefined ? `ended with ${exitCode}.` : `was ended by signal ${number}.`
}

function limitOf(pod: V1Pod): string {
  return pod.spec?.containers[0]?.resources?.limits?.memory ?? 'the node'
}
