/**
 * Headers of the records that ingest writes, ASCII text. `kappa-id`: the event's id.
 * `kappa-accepted`: epoch milliseconds at which a live event was accepted. `kappa-import` in its
 * place marks an event of an import of history. `traceparent`, by W3C Trace Context: the span that
 * published it, where that is recorded.
 */
export const idHeader = 'kappa-id'
export const acceptedHeader = 'kappa-accepted'
export const importHeader = 'kappa-import'
export const traceHeader = 'traceparent'

export interface ImportMark {
  readonly acceptedMs: number
  /** Highest event time in the topic's import up to and including this event, epoch milliseconds. */
  readonly highestMs: number
  readonly disorderMs: number
}

export function formatImportMark(mark: ImportMark): string {
  return `${mark.acceptedMs};${mark.highestMs};${mark.disorderMs}`
}

/** undefined if the text is not an import mark. */
export function parseImportMark(text: string): ImportMark | undefined {
  const found = /^(\d{1,16});(-?\d{1,16});(\d{1,16})$/.exec(text)
  if (found === null) return undefined
  return {
    acceptedMs: Number(found[1]),
    highestMs: Number(found[2]),
    disorderMs: Number(found[3]),
  }
}
