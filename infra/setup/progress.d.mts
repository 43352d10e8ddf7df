export interface Report {
  /** Units are the step's own. */
  progress(done: number, total: number): void
  /** What is being waited for, shown behind the title. */
  detail(text: string): void
}
export function step<T>(
  title: string,
  work: (report: Report) => T | Promise<T>,
  options?: { stream?: NodeJS.WriteStream; quiet?: boolean },
): Promise<T>
