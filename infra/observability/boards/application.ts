import type { DashboardSettings } from '../grafana.ts'
import {
  app,
  application,
  namespace,
  ns,
  quantile,
  query,
  rate,
  rel,
  release,
  view,
  viewName,
} from './queries.ts'

export const applicationDashboard: DashboardSettings = {
  uid: 'kappa-application',
  title: 'Kappa: application',
  description: 'What readers of an application get, and how its Spark cluster and results keep up.',
  variables: [namespace, application, release],
  rows: [
    {
      title: 'What do readers get?',
      panels: [
        {
          title: 'Releases',
          description: 'The state of each.',
          kind: 'rows',
          unit: 'short',
          queries: [
            query(`max by (application, release, state) (kappa_release_state{${app}})`, ''),
          ],
        },
        {
          title: 'The live one',
          description: 'As replay says, and as instances of results do: all of them.',
          kind: 'now',
          unit: 'short',
          queries: [
            query(
              `sum by (application, release) (kappa_release_live{${app}}) > 0`,
              '{{application}}/{{release}}',
            ),
            query(
              `count by (application, release) (kappa_results_live_release{${app}})`,
              'instances at {{application}}/{{release}}',
            ),
          ],
        },
        {
          title: 'Age of the rows',
          description: 'What answers say as freshness, on the instance that is behind most.',
          unit: 's',
          thresholds: { warn: 30, bad: 60 },
          queries: [query(`max by (${view}) (kappa_results_freshness_seconds{${rel}})`, viewName)],
        },
        {
          title: 'Rows that lack events',
          description: '1: answers are marked incomplete; replay the release.',
          unit: 'short',
          thresholds: { bad: 1 },
          queries: [query(`max by (${view}) (1 - kappa_view_complete{${rel}})`, viewName)],
        },
        {
          title: 'Partitions that are being rebuilt, or stand still',
          description: 'Rebuilt: reads are answered 503. Standing still: a switch of releases.',
          unit: 'short',
          queries: [
            query(
              `max by (${view}) (kappa_results_behind_partitions{${rel}}) > 0`,
              `${viewName} rebuilt`,
            ),
            query(
              `max by (${view}) (kappa_results_frozen_partitions{${rel}}) > 0`,
              `${viewName} still`,
            ),
          ],
        },
        {
          title: 'Followers',
          description: 'Over all instances.',
          unit: 'short',
          queries: [query(`sum by (view) (kappa_results_followers{${app}})`, '{{view}}')],
        },
      ],
    },
    {
      title: 'Does Spark keep up?',
      panels: [
        {
          title: 'Events that are not covered',
          description: 'By view; it should come back to 0 again and again.',
          unit: 'short',
          queries: [query(`max by (${view}) (kappa_view_lag_events{${rel}})`, viewName)],
        },
        {
          title: 'Rows read',
          description: 'By the query of each view.',
          unit: 'cps',
          queries: [
            query(`sum by (${view}) (${rate('kappa_spark_input_rows_total', rel)})`, viewName),
          ],
        },
        {
          title: 'Rows that it could read',
          description:
            'Speed of the newest micro-batch: when it is what comes, there is no room left.',
          unit: 'cps',
          queries: [
            query(`max by (${view}) (kappa_spark_processed_rows_per_second{${rel}})`, viewName),
          ],
        },
        {
          title: 'Duration of a micro-batch',
          description: 'Mean over time, and the newest.',
          unit: 's',
          queries: [
            query(
              `sum by (${view}) (${rate('kappa_spark_batch_seconds_total', rel)}) / sum by (${view}) (${rate('kappa_spark_batches_total', rel)})`,
              `${viewName} mean`,
            ),
            query(
              `max by (${view}) (kappa_spark_last_batch_duration_seconds{${rel}})`,
              `${viewName} newest`,
            ),
          ],
        },
        {
          title: 'Where its time goes',
          description: 'Seconds a second, by phase, in the words of Spark.',
          unit: 's',
          kind: 'stacked',
          queries: [
            query(
              `sum by (phase) (${rate('kappa_spark_batch_phase_seconds_total', rel)})`,
              '{{phase}}',
            ),
          ],
        },
        {
          title: 'Number of the last micro-batch',
          description: 'A flat line with events to read is a query that is stuck.',
          unit: 'none',
          queries: [query(`max by (${view}) (kappa_view_batch{${rel}})`, viewName)],
        },
        {
          title: 'Age of what Spark has written',
          description: 'What is between this and the age of the rows is results.',
          unit: 's',
          queries: [query(`max by (${view}) (kappa_view_freshness_seconds{${rel}})`, viewName)],
        },
        {
          title: 'Failures in a row',
          description: 'Of each query; at KAPPA_FAILURES_MAX the release is FAILED.',
          unit: 'short',
          thresholds: { warn: 1, bad: 3 },
          queries: [query(`max by (${view}) (kappa_view_failures_in_a_row{${rel}})`, viewName)],
        },
        {
          title: 'Starts of the cluster, and queries that do not run',
          description: 'Since this instance of replay leads.',
          unit: 'short',
          queries: [
            query(
              `sum by (application, release) (kappa_release_cluster_starts_total{${rel}})`,
              '{{application}}/{{release}} starts',
            ),
            query(
              `sum by (${view}, state) (kappa_view_state{${rel}, state!="running"})`,
              `${viewName} {{state}}`,
            ),
          ],
        },
      ],
    },
    {
      title: 'Does every event count, and is the state bounded?',
      panels: [
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
        {
          title: 'Age of the watermark',
          description: 'State older than it goes. A quiet partition holds it.',
          unit: 's',
          queries: [
            query(
              `time() - max by (${view}) (kappa_spark_watermark_timestamp_seconds{${rel}})`,
              viewName,
            ),
          ],
        },
        {
          title: 'Late events',
          description:
            'Refused because the event is too late or too early; the same in every replay.',
          unit: 'cps',
          queries: [
            query(`sum by (${view}) (${rate('kappa_view_late_events_total', rel)})`, viewName),
          ],
        },
        {
          title: 'Rows dropped by the watermark',
          description: '0, or the release is incomplete.',
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
          title: 'Records that no contract decodes',
          description: "In all; the view's status lists the newest.",
          unit: 'short',
          queries: [
            query(`max by (${view}) (kappa_view_undecodable_events_total{${rel}})`, viewName),
          ],
        },
      ],
    },
    {
      title: 'Does results keep up?',
      panels: [
        {
          title: 'Changelog records applied',
          description: 'Over all instances.',
          unit: 'cps',
          queries: [
            query(
              `sum by (${view}) (${rate('kappa_results_applied_records_total', rel)})`,
              viewName,
            ),
          ],
        },
        {
          title: 'Records that are not applied',
          description: 'Over all instances.',
          unit: 'short',
          queries: [
            query(`sum by (${view}) (kappa_results_changelog_lag_records{${rel}})`, viewName),
          ],
        },
        {
          title: 'Time to apply a batch',
          description: 'Median and 99th percentile, of all applications.',
          unit: 's',
          queries: [
            query(quantile(0.5, 'kappa_results_apply_duration_seconds', 'component', ns), 'median'),
            query(quantile(0.99, 'kappa_results_apply_duration_seconds', 'component', ns), '99 %'),
          ],
        },
        {
          title: 'Rebuilds and refused calls',
          description:
            'Refused: another instance owns the partition now, or Redis has lost something.',
          unit: 'short',
          queries: [
            query(
              `sum by (${view}) (increase(kappa_results_rebuilds_total{${rel}}[$__rate_interval]))`,
              `${viewName} rebuilds`,
            ),
            query(
              `sum by (outcome) (increase(kappa_results_refused_applies_total{${rel}}[$__rate_interval]))`,
              '{{outcome}}',
            ),
          ],
        },
        {
          title: 'Older batches, and rows that are retained no more',
          description: 'A record of an older batch changes nothing.',
          unit: 'cps',
          queries: [
            query(
              `sum by (${view}) (${rate('kappa_results_outdated_records_total', rel)})`,
              `${viewName} outdated`,
            ),
            query(
              `sum by (${view}) (${rate('kappa_results_dropped_rows_total', rel)})`,
              `${viewName} dropped`,
            ),
          ],
        },
        {
          title: 'Partitions by instance',
          description: 'Changelog partitions that each instance applies.',
          unit: 'short',
          queries: [
            query(
              `sum by (instance, release) (kappa_results_assigned_partitions{${rel}})`,
              '{{instance}} {{release}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Where does it stand in the log?',
      panels: [
        {
          title: 'Records that Spark has not covered, by partition',
          description: 'One that stays behind is a hot key or a slow broker.',
          unit: 'short',
          queries: [
            query(
              `max by (topic, partition) (kappa_topic_end_offset{${ns}}) - on (topic, partition) group_right () max by (${view}, topic, partition) (kappa_view_position_offset{${rel}})`,
              `${viewName} {{topic}}/{{partition}}`,
            ),
          ],
        },
        {
          title: 'Records that readers do not get, by partition',
          description: 'The same of the rows that are answered.',
          unit: 'short',
          queries: [
            query(
              `max by (topic, partition) (kappa_topic_end_offset{${ns}}) - on (topic, partition) group_right () min by (${view}, topic, partition) (kappa_results_position_offset{${rel}})`,
              `${viewName} {{topic}}/{{partition}}`,
            ),
          ],
        },
        {
          title: 'What retention has deleted',
          description:
            'First offset of each partition: above 0 a replay from the beginning is refused.',
          unit: 'short',
          thresholds: { bad: 1 },
          queries: [
            query(
              `max by (topic, partition) (kappa_topic_begin_offset{${ns}})`,
              '{{topic}}/{{partition}}',
            ),
          ],
        },
      ],
    },
  ],
}
