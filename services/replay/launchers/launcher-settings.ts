import type { ConfigReader } from '@kappa/service/config'
import {
  type KubernetesLauncherSettings,
  readKubernetesLauncher,
} from './kubernetes/kubernetes-settings.ts'
import { type LocalLauncherSettings, readLocalLauncher } from './local/local-settings.ts'
import { readStaticLauncher, type StaticLauncherSettings } from './static/static-settings.ts'

/** Which launcher runs the clusters, and what it needs. */
export type LauncherSettings =
  | ({ readonly kind: 'local' } & LocalLauncherSettings)
  | ({ readonly kind: 'static' } & StaticLauncherSettings)
  | ({ readonly kind: 'kubernetes' } & KubernetesLauncherSettings)

const kinds = ['local', 'static', 'kubernetes'] as const

export function readLauncherSettings(read: ConfigReader): LauncherSettings {
  const kind = read.oneOf('KAPPA_LAUNCHER', kinds, 'local')
  switch (kind) {
    case 'local':
      return { kind, ...readLocalLauncher(read) }
    case 'static':
      return { kind, ...readStaticLauncher(read) }
    case 'kubernetes':
      return { kind, ...readKubernetesLauncher(read) }
  }
}
