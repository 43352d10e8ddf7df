import type { V1Pod } from '@kubernetes/client-node'
import type { ClusterSpec } from '../launcher.ts'
import { type KubernetesLauncherSettings, podSettingsOf } from './kubernetes-settings.ts'
import { objectMeta, type ReleaseObjects, secretNameOf } from './object-meta.ts'
import {
  containerSecurity,
  placement,
  podSecurity,
  scratchVolume,
  secretsFolder,
  secretsVolume,
  temporaryFolder,
} from './pod-parts.ts'
import { executorContainer } from './spark-properties.ts'

/** The template that Spark's scheduler makes executors of: it adds name, image, command, resources and scratch space. */
export function executorPod(
  settings: KubernetesLauncherSettings,
  spec: ClusterSpec,
  objects: ReleaseObjects,
): V1Pod {
  const priority = spec.priority ?? 'live'
  const executor = podSettingsOf(settings, 'executor', priority)
  const { labels } = objectMeta(spec, 'spark-executor', objects)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      labels: { ...executor.labels, ...labels },
      annotations: { ...executor.annotations },
    },
    spec: {
      ...placement(settings, executor, priority),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(settings),
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: executorContainer,
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'secrets', mountPath: secretsFolder, readOnly: true },
            { name: 'temporary', mountPath: temporaryFolder },
          ],
        },
      ],
      volumes: [
        secretsVolume(secretNameOf(spec, objects, 'processes')),
        scratchVolume('temporary', executor),
      ],
    },
  }
}
