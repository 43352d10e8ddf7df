import { randomBytes } from 'node:crypto'
import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import type { ClusterSpec } from '../launcher.ts'
import { formatProperties } from '../spark-command.ts'
import { executorPod } from './executor-pod.ts'
import type { KubernetesLauncherSettings } from './kubernetes-settings.ts'
import { objectMeta, type ReleaseObjects, secretNameOf } from './object-meta.ts'
import { rpcSecretFile } from './pod-parts.ts'
import {
  argumentsFile,
  executorTemplateFile,
  javaProperties,
  propertiesFile,
  sparkProperties,
} from './spark-properties.ts'

/** The driver's alone: Spark's properties, with the token and the object store's keys. */
export function driverSecret(
  settings: KubernetesLauncherSettings,
  spec: ClusterSpec,
  objects: ReleaseObjects,
  token: string,
): V1Secret {
  const { namespace } = objects
  const properties = sparkProperties(settings, spec, { namespace, token })
  const meta = objectMeta(spec, 'spark-cluster', objects)
  return {
    metadata: { ...meta, name: secretNameOf(spec, objects, 'driver') },
    immutable: true,
    stringData: {
      [propertiesFile]: formatProperties(properties),
      [argumentsFile]: javaProperties(spec.systemProperties ?? {}),
    },
  }
}

/** Of driver and executors: the secret between them, and what they need to reach Kafka. */
export function processesSecret(spec: ClusterSpec, objects: ReleaseObjects): V1Secret {
  const meta = objectMeta(spec, 'spark-cluster', objects)
  return {
    metadata: { ...meta, name: secretNameOf(spec, objects, 'processes') },
    immutable: true,
    stringData: {
      ...spec.secretFiles,
      [rpcSecretFile]: randomBytes(32).toString('base64url'),
    },
  }
}

export function templates(
  settings: KubernetesLauncherSettings,
  spec: ClusterSpec,
  objects: ReleaseObjects,
): V1ConfigMap {
  return {
    metadata: objectMeta(spec, 'spark-cluster', objects),
    immutable: true,
    data: { [executorTemplateFile]: stringify(executorPod(settings, spec, objects)) },
  }
}
