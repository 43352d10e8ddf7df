/** The parts one after the other, as one body. */
export function joined(
  begin: string,
  parts: readonly Uint8Array[],
  separator: string,
  end: string,
): Buffer {
  const between = Buffer.from(separator)
  const chunks: Uint8Array[] = [Buffer.from(begin)]
  for (const [index, part] of parts.entries()) {
    if (index > 0) chunks.push(between)
    chunks.push(part)
  }
  chunks.push(Buffer.from(end))
  return Buffer.concat(chunks)
}
