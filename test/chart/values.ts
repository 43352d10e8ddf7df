import type { Values } from './render.ts'

/** What has to be said of one's own Kafka, Redis and object store. */
const required: Values = {
  kafka: { brokers: ['kafka-0.data:9093', 'kafka-1.data:9093'] },
  redis: { url: 'redis://redis.data:6379', existingSecret: 'redis' },
  objectStore: { endpoint: 'https://s3.example', existingSecret: 's3' },
}

const pod = {
  settings: { KAPPA_HTTP_CONNECTIONS_MAX: 1_000_000, KAPPA_STOP_DELAY_MS: 0 },
  env: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ca/ca.pem' }],
  labels: { team: 'data' },
  annotations: { 'example.com/a': 'b' },
  serviceAnnotations: { 'example.com/a': 'b' },
  serviceAccountAnnotations: { 'example.com/role': 'c' },
  nodeSelector: { pool: 'services' },
  tolerations: [{ key: 'services', operator: 'Exists' }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: 'rack', labelSelector: {} } },
      ],
    },
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
  ],
  priorityClassName: 'important',
  volumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  volumeMounts: [{ name: 'ca', mountPath: '/etc/ca' }],
}
const scaled = {
  ...pod,
  autoscaling: {
    enabled: true,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '700Mi' } },
      },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
  },
}
const sparkPod = {
  cpuRequest: '500m',
  cpuLimit: '2',
  scratchSizeLimit: '50Gi',
  labels: { team: 'data' },
  annotations: { 'example.com/a': 'b' },
  nodeSelector: { pool: 'spark' },
  tolerations: [{ key: 'spark', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
}
const peers = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }]
const hosts = {
  ingest: 'ingest.example.com',
  results: 'results.example.com',
  replay: 'replay.example.com',
}

const everything: Values = {
  ...required,
  commonLabels: { 'example.com/cost': 'analytics' },
  imagePullSecrets: ['registry'],
  image: { repository: 'registry.example.com/kappa-services', digest: `sha256:${'0'.repeat(64)}` },
  settings: { KAPPA_CLUSTERS_MAX: 4, OTEL_TRACES_SAMPLER: 'always_on' },
  definitions: {
    applicationsVolume: { configMap: { name: 'applications' } },
    schemasVolume: { image: { reference: 'registry.example.com/schemas:1' } },
  },
  kafka: {
    ...(required.kafka as object),
    tls: {
      enabled: true,
      existingSecret: 'kafka-tls',
      caKey: 'ca.crt',
      certificateKey: 'tls.crt',
      privateKeyKey: 'tls.key',
    },
    sasl: { mechanism: 'scram-sha-512', username: 'kappa', existingSecret: 'kafka-user' },
  },
  redis: {
    url: 'rediss://redis.data:6380',
    cluster: true,
    existingSecret: 'redis',
    jobs: { url: 'redis://jobs.data', existingSecret: 'jobs' },
  },
  ingest: scaled,
  results: scaled,
  replay: pod,
  spark: {
    driver: { ...sparkPod, memory: '2g' },
    executor: sparkPod,
    replay: { driver: sparkPod, executor: { nodeSelector: { pool: 'spot' } } },
    serviceAccountAnnotations: { 'example.com/role': 'd' },
  },
  applications: ['flights', 'shop'],
  namespacePerApplication: {
    enabled: true,
    labels: { 'example.com/cost': 'analytics' },
    annotations: { 'example.com/a': 'b' },
    resourceQuota: { hard: { 'requests.cpu': '8', pods: '20' } },
  },
  prePull: {
    enabled: true,
    nodeSelector: { pool: 'spark' },
    tolerations: [{ operator: 'Exists' }],
  },
  networkPolicy: {
    clientsFrom: peers,
    operatorsFrom: peers,
    metricsFrom: peers,
    apiServer: { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }] },
    kafka: { to: peers, ports: [9094] },
    extraEgress: [{ ports: [{ port: 5432 }], to: peers }],
  },
  ingress: {
    enabled: true,
    className: 'nginx',
    annotations: { 'example.com/a': 'b' },
    hosts,
    tls: { existingSecret: 'tls' },
  },
  gateway: { enabled: true, parentRefs: [{ name: 'gateway', sectionName: 'https' }], hosts },
  tracing: { endpoint: 'http://collector.monitoring:4318', existingSecret: 'collector' },
  metrics: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    rules: { enabled: true, labels: { release: 'prometheus' } },
    dashboards: { enabled: true, annotations: { folder: 'Kappa' } },
  },
}

/** Values that the chart is rendered with; what holds for it has to hold for each of them. */
export const matrix = {
  required,
  'for a try-out': { dev: { enabled: true } },
  'for a try-out on volumes that are there': {
    dev: {
      enabled: true,
      kafka: { persistence: { existingClaim: 'log' } },
      objectStore: { persistence: { enabled: false } },
    },
  },
  'OAuth, a namespace for each application': {
    ...required,
    kafka: {
      ...(required.kafka as object),
      tls: { enabled: true },
      sasl: {
        mechanism: 'oauthbearer',
        existingSecret: 'kafka-client',
        oauth: { tokenUrl: 'https://login.example/token', clientId: 'kappa', scope: 'kafka' },
      },
    },
    applications: ['flights'],
    namespacePerApplication: { enabled: true },
  },
  'users given by the cluster': {
    ...required,
    runAs: null,
    priorityClasses: { create: false },
    rbac: { create: false },
    networkPolicy: { enabled: false },
  },
  everything,
} as const satisfies Record<string, Values>
