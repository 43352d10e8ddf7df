import type {
  V1Affinity,
  V1PodSpec,
  V1SecurityContext,
  V1Toleration,
} from '@kubernetes/client-node'
import type { KubernetesLauncherSettings, PodSettings } from './kubernetes-settings.ts'

/** Pod Security `restricted`, of the pod. */
export function podSecurity({ runAs: { user, group } = {} }: KubernetesLauncherSettings) {
  return {
    runAsNonRoot: true,
    ...(user !== undefined && { runAsUser: user }),
    ...(group !== undefined && {
      runAsGroup: group,
      fsGroup: group,
      fsGroupChangePolicy: 'OnRootMismatch',
    }),
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

/** Pod Security `restricted`, of each container. */
export const containerSecurity: V1SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

/** Where the cluster's processes find secret files: see `Cluster.secretsFolder`. */
export const secretsFolder = '/etc/spark/secrets'
export const rpcSecretFile = 'rpc-secret'
/** Of what a process writes; gone with its pod. */
export const temporaryFolder = '/tmp'

/** Readable by the process and nobody else in its pod. */
const fileMode = 0o440

export const secretsVolume = (secretName: string) => ({
  name: 'secrets',
  secret: { secretName, defaultMode: fileMode },
})
export const propertiesVolume = (secretName: string) => ({
  name: 'properties',
  secret: { secretName, defaultMode: fileMode },
})
export const templatesVolume = (name: string) => ({ name: 'templates', configMap: { name } })
export const scratchVolume = (name: string, { scratchSizeLimit }: PodSettings) => ({
  name,
  emptyDir: scratchSizeLimit === undefined ? {} : { sizeLimit: scratchSizeLimit },
})

/** What settings and priority say of a pod, whichever it is. */
export function placement(
  settings: KubernetesLauncherSettings,
  pod: PodSettings,
  priority: 'live' | 'replay',
): Partial<V1PodSpec> {
  const { priorityClasses, imagePullSecrets } = settings
  return {
    ...(priorityClasses && { priorityClassName: priorityClasses[priority] }),
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    ...(pod.nodeSelector && { nodeSelector: pod.nodeSelector }),
    ...(pod.tolerations && { tolerations: pod.tolerations as V1Toleration[] }),
    ...(pod.affinity && { affinity: pod.affinity as V1Affinity }),
  }
}
