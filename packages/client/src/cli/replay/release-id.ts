import { UsageError } from '../command.ts'

/** @throws UsageError it is not `<application>-<release>` */
export function parseReleaseId(id: string): { application: string; release: number } {
  const [, application = '', digits = ''] = /^(.+)-([1-9]\d{0,14})$/.exec(id) ?? []
  if (application !== '') return { application, release: Number(digits) }
  throw new UsageError(`a release is named as <application>-<number>, flights-2, got "${id}"`)
}
