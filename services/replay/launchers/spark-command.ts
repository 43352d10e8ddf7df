import { join } from 'node:path'

/** The packages that Spark's own launcher opens to itself on Java 17 (JavaModuleOptions of Spark 4.1). */
const openedPackages = [
  'java.base/java.lang',
  'java.base/java.lang.invoke',
  'java.base/java.lang.reflect',
  'java.base/java.io',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.base/sun.nio.cs',
  'java.base/sun.security.action',
  'java.base/sun.util.calendar',
  'java.security.jgss/sun.security.krb5',
]

export interface SparkJvmOptions {
  readonly temporaryFolder: string
  /** AppCDS archive made with the same jars; left out, classes are loaded from the jars. */
  readonly archiveFile?: string
  readonly logConfigurationFile?: string
  readonly systemProperties?: Readonly<Record<string, string>>
}

export interface SparkCommandOptions extends SparkJvmOptions {
  readonly jarsFolder: string
  readonly propertiesFile: string
  readonly memory: string
}

/** What every JVM of Spark needs: driver, executor, master and worker. */
export function sparkJvmOptions(options: SparkJvmOptions): string[] {
  return [
    '-XX:+IgnoreUnrecognizedVMOptions',
    // A Spark that has run out of memory hangs or goes on half: another one is started instead.
    '-XX:+ExitOnOutOfMemoryError',
    // Without it the metaspace grows in small steps, each with a full collection.
    '-XX:MetaspaceSize=384m',
    '-Djdk.reflect.useDirectMethodHandle=false',
    '-Dio.netty.tryReflectionSetAccessible=true',
    '--add-modules=jdk.incubator.vector',
    '--enable-native-access=ALL-UNNAMED',
    ...openedPackages.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    `-Djava.io.tmpdir=${options.temporaryFolder}`,
    ...(options.archiveFile
      ? [`-XX:SharedArchiveFile=${options.archiveFile}`, '-Xshare:auto']
      : []),
    ...(options.logConfigurationFile
      ? [`-Dlog4j2.configurationFile=${options.logConfigurationFile}`]
      : []),
    ...Object.entries(options.systemProperties ?? {}).map(([name, value]) => `-D${name}=${value}`),
  ]
}

/** Arguments to `java` that run Spark's Connect server from a folder of jars, without Spark's scripts. */
export function sparkConnectArguments(options: SparkCommandOptions): string[] {
  return [
    `-Xmx${options.memory}`,
    '-XX:+UseSerialGC',
    ...sparkJvmOptions(options),
    '-cp',
    join(options.jarsFolder, '*'),
    'org.apache.spark.deploy.SparkSubmit',
    '--properties-file',
    options.propertiesFile,
    '--class',
    'org.apache.spark.sql.connect.service.SparkConnectServer',
    'spark-internal',
  ]
}

/** A properties file as Spark reads it. */
export function formatProperties(conf: Readonly<Record<string, string>>): string {
  return Object.entries(conf)
    .map(([key, value]) => `${key} ${value.replaceAll('\\', '\\\\')}`)
    .join('\n')
}
