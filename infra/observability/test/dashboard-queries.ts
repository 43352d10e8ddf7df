import { dashboards } from '../dashboards.ts'

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: unknown }[] }
}

/** With what Grafana puts in for its variables. */
export function queriesOf({ panels }: Dashboard): { title: string; expr: string }[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll(/\$(namespace|application|release)/g, '.*'),
    })),
  )
}

export const allDashboards = Object.entries(dashboards) as unknown as (readonly [
  string,
  Dashboard,
])[]
