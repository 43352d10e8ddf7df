/** A piece of work for one release. What has to be done is in the control log; a job says when. */
export interface Job {
  readonly kind: string
  readonly application: string
  readonly release: number
  /** Tells jobs of one kind and release apart. */
  readonly id: string
}

/**
 * Does a job. It may be called again for one that it has done (its outcome could not be stored), never
 * twice at a time.
 *
 * @param report what the board shows; the newest counts, none waits
 * @param signal aborted when the queue closes: end soon, where the job can be taken up again
 */
export type JobHandler = (
  job: Job,
  report: (progress: object) => void,
  signal: AbortSignal,
) => Promise<void>

const part = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/

/**
 * The same job has the same key, on whatever instance it is asked for. Without colons, which BullMQ
 * keeps for itself, and never a number, which it would take for one of its own.
 *
 * @throws Error for a kind or an id that could not be told apart in a key
 */
export function jobKey({ kind, application, release, id }: Job): string {
  for (const [name, value] of Object.entries({ kind, application, id })) {
    if (part.test(value)) continue
    throw new Error(
      `The ${name} of a job is "${value}"; it must be letters, digits, dashes and underscores, 100 at most.`,
    )
  }
  return `${kind}.${application}.${release}.${id}`
}
