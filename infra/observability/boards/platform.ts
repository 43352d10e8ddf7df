import type { DashboardSettings } from '../grafana.ts'
import { namespace, ns, quantile, query, rate, view, viewName } from './queries.ts'

export const platform: DashboardSettings = {
  uid: 'kappa-platform',
  title: 'Kappa: platform',
  description:
    'Whether events get in, rows are fresh and queries get answers, of all applications.',
  variables: [namespace],
  rows: [
    {
      title: 'Is everything there?',
      panels: [
        {
          title: 'Instances that are ready',
          description: 'By component. Of replay only the instance that leads is counted.',
          kind: 'now',
          unit: 'short',
          queries: [query(`sum by (component) (kappa_ready{${ns}})`, '{{component}}')],
        },
        {
          title: 'Alerts that fire',
          description: 'Each says what to do.',
          kind: 'rows',
          unit: 'short',
          queries: [
            query(
              `sum by (alertname, severity, promise) (ALERTS{alertname=~"Kappa.*", alertstate="firing", ${ns}})`,
              '',
            ),
          ],
        },
        {
          title: 'Parts that are not ready',
          description: '/health/ready of the instance has the reason in words.',
          kind: 'rows',
          unit: 'short',
          queries: [query(`sum by (component, instance, part) (kappa_part_ready{${ns}} == 0)`, '')],
        },
        {
          title: 'Leader of replay',
          description: 'Exactly one; its epoch grows with each taking over.',
          kind: 'now',
          unit: 'short',
          queries: [
            query(`sum(kappa_replay_leader{${ns}})`, 'leaders'),
            query(`max(kappa_replay_epoch{${ns}})`, 'epoch'),
          ],
        },
        {
          title: 'Releases by state',
          description: 'Of all applications.',
          unit: 'short',
          queries: [query(`count by (state) (kappa_release_state{${ns}})`, '{{state}}')],
        },
        {
          title: 'Spark clusters',
          description: 'A replay that would need more than the bound is refused.',
          unit: 'short',
          queries: [
            query(`sum(kappa_replay_clusters{${ns}})`, 'running'),
            query(`max(kappa_replay_clusters_max{${ns}})`, 'bound'),
          ],
        },
      ],
    },
    {
      title: 'Do events get in?',
      panels: [
        {
          title: 'Events received',
          description: 'By topic.',
          unit: 'cps',
          queries: [
            query(
              `sum by (topic) (${rate('kappa_ingest_events_received_total', ns)})`,
              '{{topic}}',
            ),
          ],
        },
        {
          title: 'What became of them',
          description: 'Unknown: Kafka did not say; clients were told to send again.',
          unit: 'cps',
          kind: 'stacked',
          queries: [
            query(`sum(${rate('kappa_ingest_events_accepted_total', ns)})`, 'accepted'),
            query(`sum(${rate('kappa_ingest_events_rejected_total', ns)})`, 'rejected'),
            query(`sum(${rate('kappa_ingest_events_refused_total', ns)})`, 'refused'),
            query(`sum(${rate('kappa_ingest_events_unknown_total', ns)})`, 'unknown'),
          ],
        },
        {
          title: 'Not accounted for',
          description: 'Received less accepted, rejected, refused, unknown and in flight: 0.',
          unit: 'short',
          thresholds: { bad: 1 },
          queries: [
            query(
              `sum by (topic) (kappa_ingest_events_received_total{${ns}}) - sum by (topic) ({__name__=~"kappa_ingest_events_(accepted_total|rejected_total|refused_total|unknown_total|in_flight)", ${ns}})`,
              '{{topic}}',
            ),
          ],
        },
        {
          title: 'Rejected and refused, by code',
          description: 'Codes of the contract, and of what was not there.',
          unit: 'cps',
          queries: [
            query(
              `sum by (topic, code) (${rate('kappa_ingest_events_rejected_total', ns)}) > 0`,
              '{{topic}} {{code}}',
            ),
            query(
              `sum by (topic, code) (${rate('kappa_ingest_events_refused_total', ns)}) > 0`,
              '{{topic}} {{code}}',
            ),
            query(
              `sum by (code) (${rate('kappa_ingest_requests_refused_total', ns)}) > 0`,
              'requests {{code}}',
            ),
          ],
        },
        {
          title: "Until Kafka's acknowledgement",
          description: 'Median and 99th percentile.',
          unit: 's',
          queries: [
            query(
              quantile(0.5, 'kappa_ingest_produce_duration_seconds', 'component', ns),
              'median',
            ),
            query(quantile(0.99, 'kappa_ingest_produce_duration_seconds', 'component', ns), '99 %'),
          ],
        },
        {
          title: 'Room for requests',
          description:
            'Part of the bounds that is used, on the fullest instance; at 1 requests are refused.',
          unit: 'percentunit',
          thresholds: { warn: 0.7, bad: 0.9 },
          queries: [
            query(
              `max(kappa_ingest_requests_in_flight{${ns}} / kappa_ingest_requests_in_flight_max{${ns}})`,
              'requests',
            ),
            query(
              `max(kappa_ingest_body_bytes_in_flight{${ns}} / kappa_ingest_body_bytes_in_flight_max{${ns}})`,
              'bytes',
            ),
          ],
        },
        {
          title: 'Open rejections',
          description: 'Neither resubmitted nor dismissed.',
          unit: 'short',
          queries: [query(`max by (topic) (kappa_ingest_rejections_open{${ns}})`, '{{topic}}')],
        },
        {
          title: 'What becomes of rejections',
          description: 'Kept, and what was done with them.',
          unit: 'cps',
          queries: [
            query(`sum(${rate('kappa_ingest_rejections_kept_total', ns)})`, 'kept'),
            query(`sum(${rate('kappa_ingest_rejections_discarded_total', ns)})`, 'discarded'),
            query(`sum(${rate('kappa_ingest_rejections_resubmitted_total', ns)})`, 'resubmitted'),
            query(
              `sum(${rate('kappa_ingest_rejections_rejected_again_total', ns)})`,
              'rejected again',
            ),
            query(`sum(${rate('kappa_ingest_rejections_dismissed_total', ns)})`, 'dismissed'),
          ],
        },
        {
          title: 'How the log grows',
          description: 'Records a second by topic, whoever writes them, and bytes of bodies.',
          unit: 'cps',
          queries: [
            query(`sum by (topic) (${rate('kappa_topic_end_offset', ns)})`, '{{topic}} records'),
            query(
              `sum by (topic) (${rate('kappa_ingest_body_bytes_total', ns)})`,
              '{{topic}} bytes',
            ),
          ],
        },
      ],
    },
    {
      title: 'Are rows fresh?',
      panels: [
        {
          title: 'Age of what readers get',
          description: 'Of live releases, on the instance that is behind most.',
          unit: 's',
          thresholds: { warn: 30, bad: 60 },
          queries: [
            query(
              `max by (namespace, ${view}) (kappa_results_freshness_seconds{${ns}}) and on (namespace, application, release) kappa_results_live_release{${ns}}`,
              '{{application}}/{{view}}',
            ),
          ],
        },
        {
          title: 'Events that Spark has not covered',
          description: 'Of all releases that run.',
          unit: 'short',
          queries: [query(`max by (${view}) (kappa_view_lag_events{${ns}})`, viewName)],
        },
        {
          title: 'Changelog records that results has not applied',
          description: 'Over all instances.',
          unit: 'short',
          queries: [
            query(`sum by (${view}) (kappa_results_changelog_lag_records{${ns}})`, viewName),
          ],
        },
      ],
    },
    {
      title: 'Do queries get answers?',
      panels: [
        {
          title: 'Requests by route',
          description: 'Of results.',
          unit: 'reqps',
          queries: [
            query(
              `sum by (route) (${rate('kappa_http_request_duration_seconds_count', `${ns}, component="results"`)})`,
              '{{route}}',
            ),
          ],
        },
        {
          title: 'Errors by code',
          description:
            'rebuilding, redis_unavailable, switching and behind are 503: clients try again.',
          unit: 'reqps',
          queries: [
            query(
              `sum by (code) (${rate('kappa_http_error_answers_total', `${ns}, component="results"`)}) > 0`,
              '{{code}}',
            ),
          ],
        },
        {
          title: 'Duration by route',
          description: '99th percentile, without those that follow a view.',
          unit: 's',
          queries: [
            query(
              quantile(
                0.99,
                'kappa_http_request_duration_seconds',
                'route',
                `${ns}, component="results", route!~".*/changes"`,
              ),
              '{{route}}',
            ),
          ],
        },
        {
          title: 'Partitions that are being rebuilt',
          description: 'Reads of them are answered 503.',
          unit: 'short',
          thresholds: { bad: 1 },
          queries: [
            query(`max by (${view}) (kappa_results_behind_partitions{${ns}}) > 0`, viewName),
          ],
        },
        {
          title: 'Followers',
          description: 'Clients that follow a view, over all instances.',
          unit: 'short',
          queries: [
            query(
              `sum by (application, view) (kappa_results_followers{${ns}})`,
              '{{application}}/{{view}}',
            ),
          ],
        },
        {
          title: 'Errors of all services',
          description: 'Answers of 500 and above, by component and status.',
          unit: 'reqps',
          queries: [
            query(
              `sum by (component, status) (${rate('kappa_http_request_duration_seconds_count', `${ns}, status=~"5.."`)})`,
              '{{component}} {{status}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Does Redis keep up?',
      panels: [
        {
          title: 'Memory',
          description:
            'At 85 % releases that are not live are refused (KAPPA_RESULTS_MEMORY_PERCENT_MAX).',
          unit: 'percentunit',
          thresholds: { warn: 0.85, bad: 0.9 },
          queries: [
            query(
              `max by (namespace) (kappa_redis_memory_used_ratio{${ns}})`,
              '{{namespace}} used',
            ),
          ],
        },
        {
          title: 'Commands',
          description: 'By connection, over all instances.',
          unit: 'ops',
          queries: [
            query(
              `sum by (connection) (${rate('kappa_redis_commands_total', ns)})`,
              '{{connection}}',
            ),
          ],
        },
        {
          title: 'Time of a command',
          description: '99th percentile, of one command in 64.',
          unit: 's',
          queries: [
            query(
              quantile(0.99, 'kappa_redis_command_duration_seconds', 'connection', ns),
              '{{connection}}',
            ),
          ],
        },
        {
          title: 'Commands without an answer',
          description: 'On the instance that has most.',
          unit: 'short',
          queries: [
            query(`max by (connection) (kappa_redis_commands_pending{${ns}})`, '{{connection}}'),
          ],
        },
        {
          title: 'Connections and errors',
          description: 'Connections that are down, and what failed.',
          unit: 'short',
          queries: [
            query(`sum by (connection) (1 - kappa_redis_up{${ns}})`, '{{connection}} down'),
            query(`sum(${rate('kappa_results_redis_errors_total', ns)})`, 'errors a second'),
          ],
        },
        {
          title: 'Releases without room',
          description: 'Not live, and removed from Redis while it is nearly full.',
          unit: 'short',
          queries: [
            query(
              `max by (application, release) (kappa_results_refused_release{${ns}})`,
              '{{application}}/{{release}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'How are the processes?',
      panels: [
        {
          title: 'CPU',
          description: 'Cores, by instance.',
          unit: 'short',
          queries: [
            query(
              `sum by (component, instance) (${rate('kappa_process_cpu_seconds_total', ns)})`,
              '{{component}} {{instance}}',
            ),
          ],
        },
        {
          title: 'Memory',
          description: 'Resident, by instance.',
          unit: 'bytes',
          queries: [
            query(
              `max by (component, instance) (kappa_process_resident_memory_bytes{${ns}})`,
              '{{component}} {{instance}}',
            ),
          ],
        },
        {
          title: 'Lag of the event loop',
          description: '99th percentile since the scrape before.',
          unit: 's',
          queries: [
            query(
              `max by (component, instance) (kappa_nodejs_eventloop_lag_p99_seconds{${ns}})`,
              '{{component}} {{instance}}',
            ),
          ],
        },
        {
          title: 'Connections',
          description: 'Part of the bound, by instance.',
          unit: 'percentunit',
          thresholds: { warn: 0.7, bad: 0.9 },
          queries: [
            query(
              `max by (component, instance) (kappa_http_connections{${ns}} / kappa_http_connections_max{${ns}})`,
              '{{component}} {{instance}}',
            ),
          ],
        },
        {
          title: 'Versions',
          description: 'More than one while an upgrade goes on.',
          unit: 'short',
          kind: 'now',
          queries: [
            query(
              `count by (component, version) (kappa_build_info{${ns}})`,
              '{{component}} {{version}}',
            ),
          ],
        },
        {
          title: 'Rebalances',
          description: 'Assignments of changelog partitions to instances of results.',
          unit: 'short',
          queries: [
            query(
              `sum(increase(kappa_results_assignments_total{${ns}}[$__rate_interval]))`,
              'assignments',
            ),
          ],
        },
      ],
    },
  ],
}
