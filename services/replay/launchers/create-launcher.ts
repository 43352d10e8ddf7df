import type { Logger } from '@kappa/service/logger'
import type { ClusterLauncher } from './launcher.ts'
import type { LauncherSettings } from './launcher-settings.ts'
import { LocalLauncher } from './local/local-launcher.ts'
import { StaticLauncher } from './static/static-launcher.ts'

export async function createLauncher(
  settings: LauncherSettings,
  logger: Logger,
): Promise<ClusterLauncher> {
  switch (settings.kind) {
    case 'local':
      return new LocalLauncher(settings)
    case 'static':
      return new StaticLauncher(settings, logger)
    case 'kubernetes': {
      // The client takes 80 MB, so only who needs it loads it.
      const { KubernetesLauncher } = await import('./kubernetes/kubernetes-launcher.ts')
      return new KubernetesLauncher(settings, logger)
    }
  }
}
