/** What may import what. Data flows one way: packages know no service, services know no other service. */
const layer = (name, from, to, comment) => ({ name, comment, severity: 'error', from, to })
const tests = '(^|/)test/'

/** The packages that each package may use; what is not listed stands alone. */
const packagesMayUse = {
  'spark-connect': [],
  kafka: [],
  contracts: [],
  service: [],
  processes: [],
  applications: ['contracts'],
  'view-store': [],
  client: ['contracts'],
}

module.exports = {
  forbidden: [
    layer('no-cycles', {}, { circular: true }, 'A cycle means that two files are one.'),
    layer(
      'kafka-clients-behind-their-port',
      { pathNot: '^(packages/kafka/|test/bench/raw-producer.ts$)' },
      { path: 'node_modules/(kafkajs|@platformatic/kafka)/' },
      'packages/kafka is the only place that knows which client speaks to Kafka; the benchmark measures them bare.',
    ),
    layer(
      'packages-know-no-service',
      { path: '^packages/', pathNot: tests },
      { path: '^(services|infra|test|applications)/' },
      'Packages are below services.',
    ),
    ...Object.entries(packagesMayUse).map(([name, allowed]) =>
      layer(
        `layer-of-${name}`,
        { path: `^packages/${name}/`, pathNot: tests },
        { path: '^packages/', pathNot: [name, ...allowed].map((each) => `^packages/${each}/`) },
        `packages/${name} may import ${allowed.join(', ') || 'no other package'}.`,
      ),
    ),
    layer(
      'services-know-no-other-service',
      { path: '^services/([^/]+)/', pathNot: tests },
      { path: '^services/', pathNot: '^services/$1/' },
      'Services meet in Kafka, Redis and HTTP, not in code.',
    ),
    layer(
      'services-know-no-infra',
      { path: '^services/', pathNot: tests },
      { path: '^(infra|test|applications)/' },
      'Where a service runs is not its business.',
    ),
    layer(
      'no-test-in-production',
      { pathNot: tests },
      { path: tests },
      'What runs in production never imports tests.',
    ),
    layer('no-orphan-of-nothing', {}, { couldNotResolve: true }, 'Every import leads somewhere.'),
    layer(
      'no-undeclared-package',
      {},
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
      'What is imported is declared in the package.json of its folder.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
    },
  },
}
