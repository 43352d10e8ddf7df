import type { V1Pod, V1Service } from '@kubernetes/client-node'
import type { ClusterSpec } from '../launcher.ts'
import { type KubernetesLauncherSettings, podSettingsOf } from './kubernetes-settings.ts'
import { nameOf, objectMeta, type ReleaseObjects, secretNameOf } from './object-meta.ts'
import {
  containerSecurity,
  placement,
  podSecurity,
  propertiesVolume,
  scratchVolume,
  secretsFolder,
  secretsVolume,
  templatesVolume,
  temporaryFolder,
} from './pod-parts.ts'
import {
  argumentsFile,
  blockManagerPort,
  connectPort,
  driverPort,
  localFolder,
  propertiesFile,
  propertiesFolder,
  templatesFolder,
  uiPort,
} from './spark-properties.ts'

// Executors reach the driver by its address: its name may not be known to them yet.
const javaOptions = `-Dspark.driver.host=$(POD_IP) @${propertiesFolder}/${argumentsFile}`
/** Of the heap: what else a JVM with a Connect server takes. */
const overheadFactor = 0.4
const overheadMiBMin = 512

/** Spark's driver with its Connect server. When it ends it is not started again: its release is. */
export function driverPod(
  settings: KubernetesLauncherSettings,
  spec: ClusterSpec,
  objects: ReleaseObjects,
): V1Pod {
  const name = nameOf(spec)
  const priority = spec.priority ?? 'live'
  const driver = podSettingsOf(settings, 'driver', priority)
  const memory = driver.memory ?? '1g'
  const metadata = objectMeta(spec, 'spark-driver', objects)
  return {
    metadata: {
      ...metadata,
      labels: { ...driver.labels, ...metadata.labels },
      annotations: { ...driver.annotations },
    },
    spec: {
      ...placement(settings, driver, priority),
      restartPolicy: 'Never',
      serviceAccountName: settings.serviceAccount,
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      securityContext: podSecurity(settings),
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'spark-driver',
          image: settings.image,
          imagePullPolicy: settings.imagePullPolicy ?? 'IfNotPresent',
          args: ['driver'],
          env: [
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'SPARK_PROPERTIES_FILE', value: `${propertiesFolder}/${propertiesFile}` },
            { name: 'SPARK_DRIVER_MEMORY', value: memory },
            { name: 'SPARK_DRIVER_JAVA_OPTIONS', value: javaOptions },
          ],
          ports: [
            { name: 'connect', containerPort: connectPort },
            { name: 'ui', containerPort: uiPort },
            { name: 'driver', containerPort: driverPort },
            { name: 'blocks', containerPort: blockManagerPort },
          ],
          resources: {
            requests: { cpu: driver.cpuRequest ?? '250m', memory: memoryOf(memory) },
            limits: {
              memory: memoryOf(memory),
              ...(driver.cpuLimit && { cpu: driver.cpuLimit }),
            },
          },
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'properties', mountPath: propertiesFolder, readOnly: true },
            { name: 'secrets', mountPath: secretsFolder, readOnly: true },
            { name: 'templates', mountPath: templatesFolder, readOnly: true },
            { name: 'temporary', mountPath: temporaryFolder },
            { name: 'local', mountPath: localFolder },
          ],
        },
      ],
      volumes: [
        propertiesVolume(secretNameOf(spec, objects, 'driver')),
        secretsVolume(secretNameOf(spec, objects, 'processes')),
        templatesVolume(name),
        scratchVolume('temporary', driver),
        scratchVolume('local', driver),
      ],
    },
  }
}

/** By its name, from inside: Spark's UI on 4040, Spark Connect on 15002. */
export function driverService(spec: ClusterSpec, objects: ReleaseObjects): V1Service {
  const port = (name: string, number: number) => ({ name, port: number, targetPort: number })
  const metadata = objectMeta(spec, 'spark-driver', objects)
  return {
    metadata,
    spec: {
      clusterIP: 'None',
      selector: metadata.labels ?? {},
      ports: [port('connect', connectPort), port('ui', uiPort)],
    },
  }
}

/** @param heap like `1536m` or `4g` */
function memoryOf(heap: string): string {
  const mebibytes = Number.parseInt(heap, 10) * (heap.endsWith('g') ? 1_024 : 1)
  return `${mebibytes + Math.max(overheadMiBMin, Math.ceil(mebibytes * overheadFactor))}Mi`
}
