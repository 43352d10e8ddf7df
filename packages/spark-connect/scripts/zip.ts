import { open } from 'node:fs/promises'
import { inflateRawSync } from 'node:zlib'

const END_OF_CENTRAL_DIRECTORY = 0x06054b50
const CENTRAL_DIRECTORY_ENTRY = 0x02014b50
const END_RECORD_BYTES_MAX = 22 + 0xffff
const STORED = 0
const DEFLATED = 8

/**
 * Reads the entries of a zip file (a jar) whose names `wanted` accepts, as text.
 * Format: PKWARE APPNOTE 6.3, without zip64 and encryption, which jars of this size do not use.
 * Written out because neither Node nor a JRE brings an unzip.
 */
export async function readZipEntries(
  file: string,
  wanted: (name: string) => boolean,
): Promise<Map<string, string>> {
  const handle = await open(file)
  try {
    const read = async (position: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      if (bytesRead !== length) throw new Error(`${file}: truncated zip file`)
      return buffer
    }
    const { size } = await handle.stat()
    const tailBytes = Math.min(size, END_RECORD_BYTES_MAX)
    const tail = await read(size - tailBytes, tailBytes)
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06'))
    if (end < 0 || tail.readUInt32LE(end) !== END_OF_CENTRAL_DIRECTORY) {
      throw new Error(`${file}: not a zip file`)
    }
    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12))
    const entries = new Map<string, string>()
    let at = 0
    while (at < directory.length && directory.readUInt32LE(at) === CENTRAL_DIRECTORY_ENTRY) {
      const method = directory.readUInt16LE(at + 10)
      const compressedBytes = directory.readUInt32LE(at + 20)
      const nameBytes = directory.readUInt16LE(at + 28)
      const extraBytes = directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
      const name = directory.toString('utf8', at + 46, at + 46 + nameBytes)
      if (wanted(name)) {
        const header = directory.readUInt32LE(at + 42)
        const local = await read(header, 30)
        const data = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
        entries.set(name, decompress(await read(data, compressedBytes), method, name))
      }
      at += 46 + nameBytes + extraBytes
    }
    return entries
  } finally {
    await handle.close()
  }
}

function decompress(data: Buffer, method: number, name: string): string {
  if (method === STORED) return data.toString('utf8')
  if (method === DEFLATED) return inflateRawSync(data).toString('utf8')
  throw new Error(`${name}: unknown compression method ${method}`)
}
