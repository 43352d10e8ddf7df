import type { ConfigReader } from '@kappa/service/config'
import { type LocalLauncherSettings, readLocalLauncher } from './local/local-settings.ts'

/** Which launcher runs the clusters, and what it needs. */
export type LauncherSettings = { readonly kind: 'local' } & LocalLauncherSettings

const kinds = ['local'] as const

export function readLauncherSettings(read: ConfigReader): LauncherSettings {
  const kind = read.oneOf('KAPPA_LAUNCHER', kinds, 'local')
  return { kind, ...readLocalLauncher(read) }
}
