/** The parts of Grafana's dashboard model that the dashboards of Kappa are made of. */

export interface Query {
  readonly expr: string
  /** Of its series; `{{label}}` is a label's value. */
  readonly legend: string
}

export interface PanelSettings {
  readonly title: string
  /** What it tells, and what to make of it. */
  readonly description: string
  /** Grafana's name of it: s, short, percentunit, bytes, … */
  readonly unit: string
  readonly queries: readonly Query[]
  /** `lines` over time by default; `now` is the newest value, `rows` a table of labels. */
  readonly kind?: 'lines' | 'stacked' | 'now' | 'rows'
  /** Values from which it is yellow, and red. */
  readonly thresholds?: { readonly warn?: number; readonly bad: number }
}

export interface Row {
  /** The question of an operator that it answers. */
  readonly title: string
  readonly panels: readonly PanelSettings[]
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** Of which metric's label its values are. */
  readonly values: string
  readonly multi?: boolean
}

export interface DashboardSettings {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}

const datasource = { type: 'prometheus', uid: '$datasource' }
const columns = 24
const panelWidth = 8
const panelHeight = 7

/** Grafana's JSON model of a dashboard. */
export function dashboard({ uid, title, description, variables, rows }: DashboardSettings) {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: [],
    })
    y += 1
    for (const [index, settings] of row.panels.entries()) {
      const x = (index * panelWidth) % columns
      if (index > 0 && x === 0) y += panelHeight
      const gridPos = { x, y, w: panelWidth, h: panelHeight }
      panels.push({ id: panels.length + 1, ...panel(settings), gridPos })
    }
    y += panelHeight
  }
  return {
    uid,
    title,
    description,
    tags: ['kappa'],
    timezone: 'browser',
    editable: true,
    graphTooltip: 1,
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    links: [
      { type: 'dashboards', title: 'Kappa', tags: ['kappa'], keepTime: true, includeVars: true },
    ],
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        ...variables.map(variable),
      ],
    },
    panels,
  }
}

function variable({ name, label, values, multi = false }: Variable) {
  return {
    name,
    label,
    type: 'query',
    datasource,
    query: { query: `label_values(${values}, ${name})`, refId: name },
    refresh: 2,
    sort: 3,
    multi,
    includeAll: true,
    // Where Prometheus adds no such label, all is what has none.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
}

function panel({ title, description, unit, queries, kind = 'lines', thresholds }: PanelSettings) {
  const steps = [
    { color: 'green', value: null },
    ...(thresholds?.warn === undefined ? [] : [{ color: 'yellow', value: thresholds.warn }]),
    ...(thresholds === undefined ? [] : [{ color: 'red', value: thresholds.bad }]),
  ]
  const isOverTime = kind === 'lines' || kind === 'stacked'
  return {
    type: { lines: 'timeseries', stacked: 'timeseries', now: 'stat', rows: 'table' }[kind],
    title,
    description,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(isOverTime ? {} : { instant: true }),
      ...(kind === 'rows' ? { format: 'table' } : {}),
    })),
    fieldConfig: {
      defaults: {
        unit,
        thresholds: { mode: 'absolute', steps },
        ...(isOverTime ? { custom: drawn(kind, thresholds !== undefined) } : {}),
      },
      overrides: [],
    },
    ...(isOverTime
      ? { options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true } } }
      : {}),
    ...(kind === 'now' ? { options: { textMode: 'value_and_name', colorMode: 'value' } } : {}),
    ...(kind === 'rows'
      ? { transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }] }
      : {}),
  }
}

function drawn(kind: 'lines' | 'stacked', hasThresholds: boolean) {
  return {
    lineWidth: 1,
    fillOpacity: kind === 'stacked' ? 40 : 5,
    showPoints: 'never',
    ...(kind === 'stacked' ? { stacking: { mode: 'normal' } } : {}),
    ...(hasThresholds ? { thresholdsStyle: { mode: 'dashed' } } : {}),
  }
}
