import { Client } from '../client.ts'
import type { GivenOptions, Io, OptionSpecs } from './command.ts'
import { UsageError } from './command.ts'

const urlDefault = 'http://127.0.0.1:4001'

/** Options of every command that talks to ingest. */
export const ingestOptions = {
  url: {
    type: 'string',
    value: '<url>',
    summary: `of ingest (KAPPA_INGEST_URL, default ${urlDefault})`,
  },
} as const satisfies OptionSpecs

export function ingestUrl(options: GivenOptions, io: Io): string {
  const url = options.text('url') ?? (io.env.KAPPA_INGEST_URL || urlDefault)
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return url
  throw new UsageError(`"${url}" is not the URL of ingest: write it as ${urlDefault}`)
}

/** Makes a client of the options, and ends it after use. */
export async function withClient<T>(
  options: GivenOptions,
  io: Io,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ url: ingestUrl(options, io) })
  try {
    return await use(client)
  } finally {
    client.close()
  }
}
