import type { ConfigReader } from '@kappa/service/config'

export interface LocalLauncherSettings {
  readonly java: string
  readonly jarsFolder: string
  /** Holds a folder a release: properties, log, scratch space, the process's record. */
  readonly workFolder: string
  readonly archiveFile?: string
  readonly stopTimeoutMs: number
}

export function readLocalLauncher(read: ConfigReader): LocalLauncherSettings {
  const archiveFile = read.optionalText('KAPPA_SPARK_ARCHIVE_FILE')
  return {
    java: read.text('KAPPA_JAVA', { default: 'java' }),
    jarsFolder: read.text('KAPPA_SPARK_JARS_FOLDER'),
    workFolder: read.text('KAPPA_SPARK_WORK_FOLDER'),
    stopTimeoutMs: read.milliseconds('KAPPA_SPARK_STOP_TIMEOUT_MS', { default: 10_000 }),
    ...(archiveFile === undefined ? {} : { archiveFile }),
  }
}
