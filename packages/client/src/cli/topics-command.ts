import { type Command, exitCodes } from './command.ts'
import { ingestOptions, withClient } from './service-options.ts'
import { formatTable } from './table.ts'

export const listTopicsCommand: Command = {
  name: 'topics',
  arguments: '',
  argumentsMin: 0,
  argumentsMax: 0,
  summary: 'list the topics that events can be published to',
  options: {
    ...ingestOptions,
    json: { type: 'boolean', summary: 'print the list as JSON' },
  },
  run: ({ options, io }) =>
    withClient(options, io, async (client) => {
      const topics = await client.topics.list()
      if (options.flag('json')) {
        io.stdout.write(`${JSON.stringify(topics)}\n`)
        return exitCodes.done
      }
      const rows = topics.map(({ topic, versions, key, id, event_time }) => [
        topic,
        versions.map(({ version }) => version).join(', '),
        key,
        id ?? '(made)',
        event_time,
      ])
      io.stdout.write(formatTable([['topic', 'versions', 'key', 'id', 'event time'], ...rows]))
      return exitCodes.done
    }),
}
