import { Client } from '../client.ts'
import { ReplayClient } from '../replay-client.ts'
import { ResultsClient } from '../results-client.ts'
import type { GivenOptions, Io, OptionSpec, OptionSpecs, ServiceSpec } from './command.ts'
import { UsageError } from './command.ts'

export const ingestService: ServiceSpec = {
  name: 'ingest',
  variable: 'KAPPA_INGEST_URL',
  urlDefault: 'http://127.0.0.1:4001',
}
export const replayService: ServiceSpec = {
  name: 'replay',
  variable: 'KAPPA_REPLAY_URL',
  urlDefault: 'http://127.0.0.1:4002',
}
export const resultsService: ServiceSpec = {
  name: 'results',
  variable: 'KAPPA_RESULTS_URL',
  urlDefault: 'http://127.0.0.1:4003',
}

/** Options of every command that talks to ingest. */
export const ingestOptions = { url: urlOption(ingestService) } satisfies OptionSpecs

/** Options of every command that talks to replay. */
export const replayOptions = { url: urlOption(replayService) } satisfies OptionSpecs

/** Options of every command that talks to results. */
export const resultsOptions = { url: urlOption(resultsService) } satisfies OptionSpecs

function urlOption(service: ServiceSpec): OptionSpec {
  const { name, variable, urlDefault } = service
  const summary = `of ${name} (${variable}, default ${urlDefault})`
  return { type: 'string', value: '<url>', summary, service }
}

export function ingestUrl(options: GivenOptions, io: Io): string {
  return serviceUrl(ingestService, options, io)
}

/** Makes a client of the options, and ends it after use. */
export function withClient<T>(
  options: GivenOptions,
  io: Io,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  return useAndClose(new Client({ url: ingestUrl(options, io) }), use)
}

/** Makes a client of the options, and ends it after use. */
export function withReplayClient<T>(
  options: GivenOptions,
  io: Io,
  use: (client: ReplayClient) => Promise<T>,
): Promise<T> {
  return useAndClose(new ReplayClient({ url: serviceUrl(replayService, options, io) }), use)
}

/** Makes a client of the options, and ends it after use. */
export function withResultsClient<T>(
  options: GivenOptions,
  io: Io,
  use: (client: ResultsClient) => Promise<T>,
): Promise<T> {
  return useAndClose(new ResultsClient({ url: serviceUrl(resultsService, options, io) }), use)
}

function serviceUrl({ name, variable, urlDefault }: ServiceSpec, options: GivenOptions, io: Io) {
  const url = options.text('url') ?? (io.env[variable] || urlDefault)
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return url
  throw new UsageError(`"${url}" is not the URL of ${name}: write it as ${urlDefault}`)
}

async function useAndClose<Each extends { close(): void }, T>(
  client: Each,
  use: (client: Each) => Promise<T>,
): Promise<T> {
  try {
    return await use(client)
  } finally {
    client.close()
  }
}
