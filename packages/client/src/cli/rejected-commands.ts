import { readFile } from 'node:fs/promises'
import type { Client } from '../client.ts'
import type {
  PatchOperation,
  RejectedFilter,
  RejectedFix,
  RejectionState,
} from '../rejected-api.ts'
import {
  type Command,
  type CommandInput,
  exitCodes,
  type GivenOptions,
  type Io,
  UsageError,
} from './command.ts'
import { count, showTime } from './figures.ts'
import { ingestOptions, withClient } from './service-options.ts'
import { formatTable } from './table.ts'

const filterOptions = {
  topic: { type: 'string', value: '<topic>', summary: 'only those of this topic' },
  code: { type: 'string', value: '<code>', summary: 'only those rejected for this, wrong_type' },
  from: {
    type: 'string',
    value: '<time>',
    summary: 'received then or later: 2026-01-31T12:00:00Z',
  },
  to: { type: 'string', value: '<time>', summary: 'received before then' },
} as const
const manyOptions = {
  ...filterOptions,
  all: { type: 'boolean', summary: 'all open ones that match, in place of <id>' },
} as const
const jsonOption = { json: { type: 'boolean', summary: 'print JSON' } } as const
const states = ['open', 'resubmitting', 'resubmitted', 'dismissed'] as const

export const listRejectedCommand: Command = {
  name: 'rejected list',
  arguments: '',
  argumentsMin: 0,
  argumentsMax: 0,
  summary: 'list rejected events, the newest first',
  options: {
    ...ingestOptions,
    ...filterOptions,
    state: { type: 'string', value: '<state>', summary: `${states.join(', ')} (default open)` },
    limit: { type: 'string', value: '<n>', summary: 'at most so many (default 100)' },
    ...jsonOption,
  },
  examples: ['kappa rejected list --topic flights.departures --code wrong_type'],
  run: ({ options, io }) =>
    withClient(options, io, async (client) => {
      const limit = options.integer('limit', 1, 1_000_000) ?? 100
      const state: RejectionState = options.choice('state', states) ?? 'open'
      const json = options.flag('json')
      const rows: string[][] = []
      let cursor: string | null = null
      let shown = 0
      do {
        const page = await client.rejected.list({
          ...readFilter(options),
          state,
          limit: Math.min(1_000, limit - shown),
          ...(cursor === null ? {} : { cursor }),
        })
        for (const each of page.rejections) {
          if (json) io.stdout.write(`${JSON.stringify(each)}\n`)
          else
            rows.push([
              each.id,
              showTime(each.received_at),
              each.topic,
              each.error.code,
              each.state,
            ])
        }
        shown += page.rejections.length
        cursor = page.cursor
      } while (cursor !== null && shown < limit)
      if (!json)
        io.stdout.write(formatTable([['id', 'received', 'topic', 'code', 'state'], ...rows]))
      if (cursor !== null) io.stderr.write(`There are more: --limit ${limit * 10} shows them.\n`)
      return exitCodes.done
    }),
}

export const showRejectedCommand: Command = {
  name: 'rejected show',
  arguments: '<id>',
  argumentsMin: 1,
  argumentsMax: 1,
  summary: 'show a rejected event: why, what it was, what happened since',
  options: ingestOptions,
  run: ({ positionals: [id = ''], options, io }) =>
    withClient(options, io, async (client) => {
      io.stdout.write(`${JSON.stringify(await client.rejected.get(id), undefined, 2)}\n`)
      return exitCodes.done
    }),
}

export const resubmitRejectedCommand: Command = {
  name: 'rejected resubmit',
  arguments: '<id> | --all',
  argumentsMin: 0,
  argumentsMax: 1,
  summary: 'publish rejected events again, as they were or fixed',
  description: `With nothing else the event is sent as it was received, which is enough when the contract has a
new version. Resubmitting twice counts once.`,
  options: {
    ...ingestOptions,
    ...manyOptions,
    patch: {
      type: 'string',
      value: '<json|@file>',
      summary: 'JSON Patch (RFC 6902) that fixes it',
    },
    payload: { type: 'string', value: '<json|@file>', summary: 'the event in its place' },
    version: { type: 'string', value: '<n>', summary: 'of the contract (default: the newest)' },
    ...jsonOption,
  },
  examples: [
    'kappa rejected resubmit <id> --patch \'[{"op":"replace","path":"/delay_minutes","value":7}]\'',
    'kappa rejected resubmit --all --topic flights.departures --code unknown_field',
  ],
  async run(input) {
    const { options, io } = input
    const id = readTarget(input)
    const fix = await readFix(options)
    return withClient(options, io, async (client) => {
      if (id === undefined) return resubmitAll(client, options, io, fix)
      const answer = await client.rejected.resubmit(id, fix)
      const { event, repeated } = answer
      if (options.flag('json')) io.stdout.write(`${JSON.stringify(answer)}\n`)
      else {
        const where = `${event.topic}, partition ${event.partition}, offset ${event.offset}`
        io.stdout.write(`${id} is ${repeated ? 'already ' : ''}in the log: ${where}\n`)
      }
      return exitCodes.done
    })
  },
}

export const dismissRejectedCommand: Command = {
  name: 'rejected dismiss',
  arguments: '<id> | --all',
  argumentsMin: 0,
  argumentsMax: 1,
  summary: 'close rejected events: nothing will be done about them',
  options: { ...ingestOptions, ...manyOptions, ...jsonOption },
  run: (input) => {
    const { options, io } = input
    const id = readTarget(input)
    return withClient(options, io, async (client) => {
      let dismissed = 1
      if (id === undefined) dismissed = await dismissAll(client, options)
      else await client.rejected.dismiss(id)
      if (options.flag('json')) io.stdout.write(`${JSON.stringify({ dismissed })}\n`)
      else io.stdout.write(`${count(dismissed)} dismissed\n`)
      return exitCodes.done
    })
  },
}

async function resubmitAll(
  client: Client,
  options: GivenOptions,
  io: Io,
  { patch, version }: RejectedFix,
): Promise<number> {
  const filter = readFilter(options)
  const fix = {
    ...(patch === undefined ? {} : { patch }),
    ...(version === undefined ? {} : { version }),
  }
  let [resubmitted, failed] = [0, 0]
  let cursor: string | null = null
  do {
    const answer = await client.rejected.resubmitMany(filter, {
      ...fix,
      ...(cursor === null ? {} : { cursor }),
    })
    for (const { id, error } of answer.errors) {
      io.stderr.write(`${id}: ${error.message} (${error.code})\n`)
    }
    resubmitted += answer.resubmitted
    failed += answer.failed
    cursor = answer.cursor
  } while (cursor !== null)
  if (options.flag('json')) io.stdout.write(`${JSON.stringify({ resubmitted, failed })}\n`)
  else io.stdout.write(`${count(resubmitted)} resubmitted, ${count(failed)} still rejected\n`)
  return failed > 0 ? exitCodes.failed : exitCodes.done
}

async function dismissAll(client: Client, options: GivenOptions): Promise<number> {
  let dismissed = 0
  let cursor: string | null = null
  do {
    const answer = await client.rejected.dismissMany(
      readFilter(options),
      cursor === null ? {} : { cursor },
    )
    dismissed += answer.dismissed
    cursor = answer.cursor
  } while (cursor !== null)
  return dismissed
}

/** @returns the id; undefined for all that match */
function readTarget({ positionals: [id], options }: CommandInput): string | undefined {
  const filtered = Object.keys(readFilter(options)).length > 0
  if (id === undefined && !options.flag('all')) throw new UsageError('name an <id>, or --all')
  if (id !== undefined && (options.flag('all') || filtered)) {
    throw new UsageError('name an <id>, or --all with what is meant, not both')
  }
  return id
}

function readFilter(options: GivenOptions): RejectedFilter {
  const given = Object.keys(filterOptions).map((name) => [name, options.text(name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

async function readFix(options: GivenOptions): Promise<RejectedFix> {
  const patch = await readJson('patch', options)
  const payload = await readJson('payload', options)
  const version = options.integer('version', 1, 999_999)
  if (patch !== undefined && !Array.isArray(patch)) {
    throw new UsageError('--patch is a JSON Patch: a list of operations')
  }
  if (payload !== undefined && (patch !== undefined || options.flag('all'))) {
    throw new UsageError('--payload goes with one <id>, without --patch')
  }
  return {
    ...(patch === undefined ? {} : { patch: patch as PatchOperation[] }),
    ...(payload === undefined ? {} : { payload }),
    ...(version === undefined ? {} : { version }),
  }
}

async function readJson(name: string, options: GivenOptions): Promise<unknown> {
  const given = options.text(name)
  if (given === undefined) return undefined
  try {
    return JSON.parse(given.startsWith('@') ? await readFile(given.slice(1), 'utf8') : given)
  } catch (error) {
    throw new UsageError(`--${name}: ${(error as Error).message}`, { cause: error })
  }
}
