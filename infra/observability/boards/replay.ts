import type { DashboardSettings } from '../grafana.ts'
import {
  app,
  application,
  namespace,
  ns,
  quantile,
  query,
  rel,
  release,
  view,
  viewName,
} from './queries.ts'

const releaseName = '{{application}}-{{release}}'

export const replay: DashboardSettings = {
  uid: 'kappa-replay',
  title: 'Kappa: replay',
  description: 'How far a replay is, whether its rows are right, and what it does to what is live.',
  variables: [namespace, application, release],
  rows: [
    {
      title: 'How far is it?',
      panels: [
        {
          title: 'Part of the log that is read',
          description: 'By replay.',
          unit: 'percentunit',
          queries: [
            query(
              `max by (application, release) (kappa_replay_progress_ratio{${rel}})`,
              releaseName,
            ),
          ],
        },
        {
          title: 'Left, in time',
          description: 'Estimated from the last micro-batches.',
          kind: 'now',
          unit: 's',
          queries: [
            query(`max by (application, release) (kappa_replay_eta_seconds{${rel}})`, releaseName),
          ],
        },
        {
          title: 'States',
          description: 'And since when.',
          kind: 'rows',
          unit: 's',
          queries: [
            query(
              `(time() - max by (application, release) (kappa_release_state_timestamp_seconds{${rel}})) * on (application, release) group_right () max by (application, release, state) (kappa_release_state{${rel}})`,
              '',
            ),
          ],
        },
        {
          title: 'Events read a second',
          description: 'Over the last micro-batches, and over time.',
          unit: 'cps',
          queries: [
            query(
              `max by (application, release) (kappa_replay_events_per_second{${rel}})`,
              releaseName,
            ),
            query(
              `max by (application, release) (deriv(kappa_replay_read_events{${rel}}[$__rate_interval]))`,
              `${releaseName} over time`,
            ),
          ],
        },
        {
          title: 'Events that are left',
          description: 'A flat line is a replay that is stuck.',
          unit: 'short',
          queries: [
            query(`max by (application, release) (kappa_replay_lag_events{${rel}})`, releaseName),
          ],
        },
        {
          title: 'Jobs and clusters',
          description: 'Whether the queue of jobs takes any, and how many Spark clusters run.',
          unit: 'short',
          queries: [
            query(`min(kappa_replay_job_queue_ready{${ns}})`, 'queue is ready'),
            query(`sum(kappa_replay_clusters{${ns}})`, 'clusters'),
            query(`max(kappa_replay_clusters_max{${ns}})`, 'bound'),
          ],
        },
      ],
    },
    {
      title: 'What does it take?',
      panels: [
        {
          title: 'Duration of a micro-batch',
          description: 'The newest of each view.',
          unit: 's',
          queries: [
            query(`max by (${view}) (kappa_spark_last_batch_duration_seconds{${rel}})`, viewName),
          ],
        },
        {
          title: 'Rows of state',
          description: 'By view.',
          unit: 'short',
          queries: [query(`max by (${view}) (kappa_spark_state_rows{${rel}})`, viewName)],
        },
        {
          title: 'Memory of the state',
          description: 'As Spark counts it.',
          unit: 'bytes',
          queries: [query(`max by (${view}) (kappa_spark_state_memory_bytes{${rel}})`, viewName)],
        },
      ],
    },
    {
      title: 'May it become live?',
      panels: [
        {
          title: 'Verdict of the comparison',
          description: 'Held row by row against the live release at one position of the log.',
          kind: 'rows',
          unit: 'short',
          queries: [
            query(`max by (application, release, verdict) (kappa_replay_verdict{${rel}})`, ''),
          ],
        },
        {
          title: 'Rows dropped by the watermark',
          description: '0, or it is replayed with a larger slack.',
          unit: 'short',
          thresholds: { bad: 1 },
          queries: [
            query(
              `sum by (${view}) (kappa_spark_rows_dropped_by_watermark_total{${rel}})`,
              viewName,
            ),
          ],
        },
        {
          title: 'Switches that were asked for',
          description: 'And have not come about: `note` in the status says why.',
          unit: 'short',
          queries: [
            query(
              `max by (application, release) (kappa_release_switching{${rel}}) > 0`,
              releaseName,
            ),
          ],
        },
      ],
    },
    {
      title: 'Is what is live untouched?',
      panels: [
        {
          title: 'Age of the live rows',
          description: 'Of the application; a replay must not show here.',
          unit: 's',
          thresholds: { warn: 30, bad: 60 },
          queries: [
            query(
              `max by (namespace, ${view}) (kappa_results_freshness_seconds{${app}}) and on (namespace, application, release) kappa_results_live_release{${app}}`,
              viewName,
            ),
          ],
        },
        {
          title: 'Micro-batches of the live release',
          description: 'Their newest duration.',
          unit: 's',
          queries: [
            query(
              `max by (namespace, ${view}) (kappa_spark_last_batch_duration_seconds{${app}}) and on (namespace, application, release) (kappa_release_live{${app}} == 1)`,
              viewName,
            ),
          ],
        },
        {
          title: 'Queries',
          description: '99th percentile, without those that follow a view.',
          unit: 's',
          queries: [
            query(
              quantile(
                0.99,
                'kappa_http_request_duration_seconds',
                'component',
                `${ns}, component="results", route!~".*/changes"`,
              ),
              '99 %',
            ),
          ],
        },
      ],
    },
  ],
}
