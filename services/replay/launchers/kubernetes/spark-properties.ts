import type { ClusterSpec } from '../launcher.ts'
import { type KubernetesLauncherSettings, podSettingsOf } from './kubernetes-settings.ts'
import { nameOf } from './object-meta.ts'
import { rpcSecretFile, secretsFolder } from './pod-parts.ts'

export const connectPort = 15_002
export const uiPort = 4_040
export const driverPort = 7_078
export const blockManagerPort = 7_079
export const propertiesFolder = '/etc/spark/properties'
export const templatesFolder = '/etc/spark/templates'
export const executorTemplateFile = 'executor-pod.yaml'
export const executorContainer = 'spark-executor'
export const propertiesFile = 'spark.properties'
/** More options of the driver's JVM. */
export const argumentsFile = 'java.args'
export const localFolder = '/var/lib/spark'
/** Spark takes a volume of this name for what `spark.local.dir` is for. */
const scratchOfExecutors = 'spark.kubernetes.executor.volumes.emptyDir.spark-local-dir-1'
/** Names of executors are these and a number. */
const executorPrefixLengthMax = 47

/** Of the driver; holds the token and the object store's keys, so it is a Secret. */
export function sparkProperties(
  settings: KubernetesLauncherSettings,
  spec: ClusterSpec,
  about: { readonly namespace: string; readonly token: string },
): Record<string, string> {
  const name = nameOf(spec)
  const executor = podSettingsOf(settings, 'executor', spec.priority ?? 'live')
  return {
    ...spec.sparkConf,
    'spark.master': 'k8s://https://kubernetes.default.svc:443',
    'spark.app.name': name,
    'spark.submit.deployMode': 'client',
    'spark.driver.port': String(driverPort),
    // Of executors too: network policies name it.
    'spark.blockManager.port': String(blockManagerPort),
    'spark.local.dir': localFolder,
    'spark.hadoop.fs.s3a.buffer.dir': '/tmp/s3a',
    'spark.sql.warehouse.dir': '/tmp/warehouse',
    'spark.connect.grpc.binding.port': String(connectPort),
    'spark.connect.authenticate.token': about.token,
    // Keys of the object store travel from driver to executors.
    'spark.authenticate': 'true',
    'spark.authenticate.secret.file': `${secretsFolder}/${rpcSecretFile}`,
    'spark.network.crypto.enabled': 'true',
    // Executors come while the driver goes on: it need not wait for them to listen.
    'spark.scheduler.minRegisteredResourcesRatio': '0',
    ...executors(spec),
    ...(executor.scratchSizeLimit !== undefined && {
      [`${scratchOfExecutors}.mount.path`]: localFolder,
      [`${scratchOfExecutors}.options.sizeLimit`]: executor.scratchSizeLimit,
    }),
    ...(spec.systemProperties && {
      'spark.executor.extraJavaOptions': javaProperties(spec.systemProperties),
    }),
    'spark.kubernetes.namespace': about.namespace,
    'spark.kubernetes.container.image': settings.image,
    'spark.kubernetes.container.image.pullPolicy': settings.imagePullPolicy ?? 'IfNotPresent',
    ...(settings.imagePullSecrets && {
      'spark.kubernetes.container.image.pullSecrets': settings.imagePullSecrets.join(','),
    }),
    // Executors belong to the driver's pod, and go with it.
    'spark.kubernetes.driver.pod.name': name,
    'spark.kubernetes.executor.podNamePrefix': name.slice(-executorPrefixLengthMax),
    'spark.kubernetes.executor.podTemplateFile': `${templatesFolder}/${executorTemplateFile}`,
    'spark.kubernetes.executor.podTemplateContainerName': executorContainer,
    'spark.kubernetes.executor.request.cores': executor.cpuRequest ?? '500m',
    ...(executor.cpuLimit && { 'spark.kubernetes.executor.limit.cores': executor.cpuLimit }),
    'spark.kubernetes.allocation.batch.delay': '1s',
    'spark.ui.enabled': 'true',
    'spark.ui.port': String(uiPort),
    'spark.ui.killEnabled': 'false',
    'spark.ui.retainedJobs': '50',
    'spark.ui.retainedStages': '50',
    'spark.ui.retainedTasks': '1000',
    'spark.sql.ui.retainedExecutions': '50',
  }
}

function executors(spec: ClusterSpec): Record<string, string> {
  const { executors: count, executorsMax } = spec
  const dynamic = executorsMax !== undefined && executorsMax > count
  return {
    'spark.executor.instances': String(count),
    'spark.executor.cores': String(spec.cores),
    'spark.executor.memory': spec.memory,
    // Failures of weeks are not added up.
    'spark.executor.failuresValidityInterval': '10min',
    // State in RocksDB is outside of the heap.
    'spark.executor.memoryOverheadFactor': '0.4',
    ...(dynamic && {
      'spark.dynamicAllocation.enabled': 'true',
      'spark.dynamicAllocation.shuffleTracking.enabled': 'true',
      'spark.dynamicAllocation.minExecutors': String(count),
      'spark.dynamicAllocation.initialExecutors': String(count),
      'spark.dynamicAllocation.maxExecutors': String(executorsMax),
    }),
  }
}

/** As words of a command line, one a property; Java's argument files and Spark read quotes alike. */
export function javaProperties(properties: Readonly<Record<string, string>>): string {
  const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return Object.entries(properties)
    .map(([name, value]) => `"-D${name}=${quoted(value)}"`)
    .join(' ')
}
