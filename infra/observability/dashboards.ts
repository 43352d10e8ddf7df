import { applicationDashboard } from './boards/application.ts'
import { platform } from './boards/platform.ts'
import { replay } from './boards/replay.ts'
import { dashboard } from './grafana.ts'

/** By the name of their file; what each shows, by the question that an operator asks, is in `boards/`. */
export const dashboards = {
  platform: dashboard(platform),
  application: dashboard(applicationDashboard),
  replay: dashboard(replay),
}
