import { counter, gauge, Histogram, type Registry, readMetrics } from './metrics.ts'

/** What is measured of a client of Redis; ioredis' single client and its cluster both are one. */
export interface MeasuredRedis {
  readonly status: string
  /** What has been sent and is not answered. Of a cluster: its nodes have one each. */
  readonly commandQueue?: { readonly length: number }
  nodes?(): readonly MeasuredRedis[]
  sendCommand(command: { readonly promise: Promise<unknown> }, ...more: unknown[]): unknown
}

/** One command in so many is timed: two promises and a clock cost about as much as a command does. */
const timedOneIn = 64

/**
 * Commands, their time and what waits, of each connection to Redis by its name. Commands that fail are
 * counted by whoever gets the failure.
 */
export function measureRedis(
  registry: Registry,
  connections: Readonly<Record<string, MeasuredRedis>>,
): void {
  const seconds = new Histogram({
    name: 'kappa_redis_command_duration_seconds',
    help: `Time from sending a command to its answer, of one command in ${timedOneIn}.`,
    labelNames: ['connection'],
    buckets: [0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  })
  const sent = Object.entries(connections).map(([connection, redis]) => {
    const time = seconds.labels({ connection })
    return { connection, redis, commands: countCommands(redis, (each) => time.observe(each)) }
  })
  const labels = ['connection'] as const
  readMetrics(
    registry,
    {
      commands: counter('kappa_redis_commands_total', 'Commands sent to Redis.', labels),
      up: gauge('kappa_redis_up', 'Whether the connection to Redis is ready: 1 or 0.', labels),
      pending: gauge(
        'kappa_redis_commands_pending',
        'Commands that have been sent and not answered.',
        labels,
      ),
    },
    (set) => {
      for (const { connection, redis, commands } of sent) {
        set.commands({ connection }, commands())
        set.up({ connection }, redis.status === 'ready' ? 1 : 0)
        set.pending({ connection }, pendingOf(redis))
      }
    },
  )
}

function countCommands(redis: MeasuredRedis, observe: (seconds: number) => void): () => number {
  let commands = 0
  const send = redis.sendCommand
  redis.sendCommand = function count(command, ...more) {
    commands += 1
    if (commands % timedOneIn === 0) {
      const begun = performance.now()
      const end = () => observe((performance.now() - begun) / 1_000)
      command.promise.then(end, end)
    }
    return send.call(redis, command, ...more)
  }
  return () => commands
}

function pendingOf(redis: MeasuredRedis): number {
  const nodes = redis.commandQueue === undefined ? (redis.nodes?.() ?? []) : [redis]
  return nodes.reduce((sum, { commandQueue }) => sum + (commandQueue?.length ?? 0), 0)
}
