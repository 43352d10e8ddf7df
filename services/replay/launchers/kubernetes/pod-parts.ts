import type {
  V1Affinity,
  V1PodSpec,
  V1SecurityContext,
  V1Toleration,
} from '@kubernetes/client-node'
import type { KubernetesLauncherSettings, PodSettings } from './kubernetes-settings.ts'

/** Of the user `spark` in the image. */
const USER = 10_001

/** Pod Security `restricted`, of the pod. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const

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

export const secretsVolume = (name: string) => ({
  name: 'secrets',
  secret: { secretName: `${name}-processes`, defaultMode: fileMode },
})
export const propertiesVolume = (name: string) => ({
  name: 'properties',
  secret: { secretName: `${name}-driver`, defaultMode: fileMode },
})
export const templatesVolume = (name: string) => ({ name: 'templates', configMap: { name } })
export const scratchVolume = (name: string) => ({ name, emptyDir: {} })

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
