import type { ApiError, ConnectionError } from '../../errors.ts'
import type { FollowedEvent } from '../../follow-view.ts'
import type { ResultsClient } from '../../results-client.ts'
import type { ViewMeta } from '../../view-answers.ts'
import { type Command, type CommandInput, exitCodes } from '../command.ts'
import { plainText } from '../plain-text.ts'
import { resultsOptions, withResultsClient } from '../service-options.ts'
import { writePaced } from '../write-paced.ts'
import { changeLine, eventJson } from './render-event.ts'
import { originText } from './render-rows.ts'
import {
  filtersText,
  readColumns,
  readViewArguments,
  type ViewTarget,
  viewArguments,
} from './view-arguments.ts'

export const tailCommand: Command = {
  name: 'tail',
  ...viewArguments,
  summary: 'follow a view: its rows, then every change of them, until Ctrl-C',
  description: `+ is a row that is new or has changed, - a key that has no row any more, or none that the filters let
through. After a switch the rows that differ are told. Breaks are gone over without a loss.

${filtersText}`,
  options: {
    ...resultsOptions,
    columns: { type: 'string', value: '<a,b>', summary: 'only these, in this order' },
    'no-snapshot': { type: 'boolean', summary: 'only what changes, not the rows before' },
    json: { type: 'boolean', summary: 'print each event as a line of JSON' },
  },
  examples: [
    'kappa tail flights/carrier_hours carrier=UA',
    'kappa tail flights/carrier_hours --no-snapshot --json',
  ],
  run: (input) => {
    const target = readViewArguments(input.positionals)
    return withResultsClient(input.options, input.io, (client) => follow(client, target, input))
  },
}

async function follow(
  client: ResultsClient,
  target: ViewTarget,
  { options, io }: CommandInput,
): Promise<number> {
  const { application, view, where } = target
  const json = options.flag('json')
  const key = await keyOf(client, target)
  const abort = new AbortController()
  const { signal } = abort
  const ignore = io.onInterrupt(() => abort.abort())
  const lines = new ChangeLines(key, options.flag('no-snapshot'), json)
  let isFirst = true
  let isLost = false
  const onBreak = (error: ApiError | ConnectionError) => {
    // Nothing has been followed yet: what is wrong is told at once.
    if (isFirst) throw error
    if (!isLost) io.stderr.write(`${plainText(error.message)}; it is tried again.\n`)
    isLost = true
  }
  const query = { where, ...readColumns(options.text('columns')) }
  try {
    for await (const told of client
      .view(application, view)
      .subscribeTexts(query, { signal, onBreak })) {
      isFirst = false
      isLost = false
      const { note, line } = lines.of(told)
      if (note !== '') io.stderr.write(`${note}\n`)
      if (line !== '') await writePaced(io.stdout, `${line}\n`, signal)
    }
    return exitCodes.done
  } finally {
    ignore()
  }
}

interface Told {
  /** For people; empty for none. */
  readonly note: string
  /** Empty for none. */
  readonly line: string
}

/** What is printed of events. */
class ChangeLines {
  readonly #key: readonly string[]
  readonly #isWithoutSnapshot: boolean
  readonly #json: boolean
  /** Between a snapshot's beginning and its end. */
  #inSnapshot = false

  constructor(key: readonly string[], isWithoutSnapshot: boolean, json: boolean) {
    this.#key = key
    this.#isWithoutSnapshot = isWithoutSnapshot
    this.#json = json
  }

  of(told: FollowedEvent): Told {
    const { type, id, data } = told
    // Rows of a snapshot have no ids.
    if (type === 'snapshot') this.#inSnapshot = true
    else if (id !== undefined || type === 'release') this.#inSnapshot = false
    const isShown = !(this.#inSnapshot && this.#isWithoutSnapshot)
    if (this.#json) return { note: '', line: isShown ? eventJson(told) : '' }
    if (type === 'snapshot') return { note: this.#snapshotNote(JSON.parse(data)), line: '' }
    return { note: '', line: isShown ? changeLine(told, this.#key) : '' }
  }

  #snapshotNote(meta: ViewMeta): string {
    const what = this.#isWithoutSnapshot ? 'What changes after the' : 'All'
    return `${what} ${originText(meta)}:`
  }
}

async function keyOf(client: ResultsClient, { application, view }: ViewTarget) {
  const views = await client.views()
  const found = views.find((each) => each.application === application && each.view === view)
  return found?.key ?? []
}
