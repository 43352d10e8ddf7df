import type { Query, Variable } from '../grafana.ts'

export const namespace: Variable = {
  name: 'namespace',
  label: 'Namespace',
  values: 'kappa_build_info',
}
export const application: Variable = {
  name: 'application',
  label: 'Application',
  values: 'kappa_release_state{namespace=~"$namespace"}',
}
export const release: Variable = {
  name: 'release',
  label: 'Release',
  values: 'kappa_release_state{namespace=~"$namespace", application=~"$application"}',
  multi: true,
}

export const ns = 'namespace=~"$namespace"'
export const app = `${ns}, application=~"$application"`
export const rel = `${app}, release=~"$release"`
/** Of a view. */
export const view = 'application, release, view'
export const viewName = '{{application}}/{{release}}/{{view}}'

export const query = (expr: string, legend: string): Query => ({ expr, legend })
export const rate = (metric: string, matchers: string) =>
  `rate(${metric}{${matchers}}[$__rate_interval])`
export const quantile = (q: number, metric: string, by: string, matchers: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (${rate(`${metric}_bucket`, matchers)}))`
