import type { Output } from './command.ts'

/**
 * Writes, and waits while what reads the output is behind: of any length in bounded memory.
 * @param signal ends the wait
 */
export async function writePaced(
  output: Output,
  text: string | Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const mayGoOn = output.write(text)
  if (mayGoOn !== false || output.once === undefined || signal?.aborted) return
  await new Promise<void>((resolve) => {
    const goOn = () => {
      output.off?.('drain', goOn)
      signal?.removeEventListener('abort', goOn)
      resolve()
    }
    output.once?.('drain', goOn)
    signal?.addEventListener('abort', goOn)
  })
}
