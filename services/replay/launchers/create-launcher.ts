import type { ClusterLauncher } from './launcher.ts'
import type { LauncherSettings } from './launcher-settings.ts'
import { LocalLauncher } from './local/local-launcher.ts'

export function createLauncher(settings: LauncherSettings): ClusterLauncher {
  return new LocalLauncher(settings)
}
