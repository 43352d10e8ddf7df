import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { UsageError } from '../command.ts'
import { InputError } from './input-item.ts'

export type InputFormat = 'ndjson' | 'json' | 'csv'

export interface Input {
  /** `-` for standard input. */
  readonly name: string
  readonly format: InputFormat
  /** Of the file as it is, compressed or not; undefined for standard input. */
  readonly size: number | undefined
  /** Of the file so far. */
  bytesRead(): number
  /** Decompressed. */
  readonly chunks: AsyncIterable<Buffer>
  /** Ends the chunks early, as if the input ended. */
  stop(): void
}

const gzipMagic = Buffer.from([0x1f, 0x8b])
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** Enough to tell what an input is. */
const headBytes = 4_096
const lineFeed = 0x0a

/**
 * Opens a file or, for `-`, standard input, and tells compression and format by what they hold.
 * @throws UsageError the file cannot be read
 * @throws InputError it cannot be decompressed
 */
export async function openInput(
  name: string,
  stdin: NodeJS.ReadableStream,
  given: InputFormat | undefined,
): Promise<Input> {
  const size = name === '-' ? undefined : await sizeOf(name)
  const source = (name === '-' ? stdin : createReadStream(name)) as Readable
  let bytesRead = 0
  let stopped = false
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytesRead += chunk.length
      yield chunk
    }
  }
  const explain = (error: unknown) =>
    new InputError(`${showName(name)} cannot be read on: ${(error as Error).message}`, {
      cause: error,
    })
  try {
    const raw = await peek(counted(), zstdMagic.length)
    const plain = await peek(decompressed(raw), headBytes)
    async function* chunks(): AsyncGenerator<Buffer> {
      try {
        yield* plain.chunks
      } catch (error) {
        if (!stopped) throw explain(error)
      }
    }
    return {
      name,
      format: given ?? formatByName(name) ?? formatByHead(plain.head),
      size,
      bytesRead: () => bytesRead,
      chunks: chunks(),
      stop() {
        stopped = true
        source.destroy()
      },
    }
  } catch (error) {
    source.destroy()
    throw explain(error)
  }
}

/** How an input is called in messages. */
export function showName(name: string): string {
  return name === '-' ? 'standard input' : name
}

interface Peeked {
  readonly head: Buffer
  /** Everything, the head included. */
  readonly chunks: AsyncIterable<Buffer>
}

/** Reads at least so many bytes ahead, if there are. */
async function peek(chunks: AsyncIterable<Buffer>, bytes: number): Promise<Peeked> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < bytes) {
    const next = await iterator.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
    // A terminal or a slow pipe gives a line at a time: enough to tell what it is.
    if (bytes === headBytes && head.includes(lineFeed)) break
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, chunks: all() }
}

function decompressed({ head, chunks }: Peeked): AsyncIterable<Buffer> {
  const gzip = head.subarray(0, gzipMagic.length).equals(gzipMagic)
  const zstd = head.subarray(0, zstdMagic.length).equals(zstdMagic)
  if (!gzip && !zstd) return chunks
  const decompressor = gzip ? createGunzip() : createZstdDecompress()
  const source = Readable.from(chunks)
  // The error reaches the reader of the decompressor, which is where it is told.
  pipeline(source, decompressor, () => undefined)
  return decompressor
}

function formatByName(name: string): InputFormat | undefined {
  const [, ending = ''] = /\.(\w+?)(\.gz|\.zst|\.zstd)?$/.exec(name.toLowerCase()) ?? []
  if (ending === 'ndjson' || ending === 'jsonl') return 'ndjson'
  return ending === 'json' || ending === 'csv' ? ending : undefined
}

/** JSON that is an array, or an object that goes over several lines; else a line an event. */
function formatByHead(head: Buffer): InputFormat {
  const [first = ''] = head.toString('utf8').trimStart().split('\n')
  const opens = first.startsWith('[') || /^\{\s*$/.test(first)
  return opens ? 'json' : 'ndjson'
}

async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch((error: Error) => {
    throw new UsageError(`${file} cannot be read: ${error.message}`, { cause: error })
  })
  if (found.isDirectory()) throw new UsageError(`${file} is a folder; name a file or -`)
  return found.isFile() ? found.size : undefined
}
