/** What was declared as expected cannot be meant: tell whoever asked for the replay. */
export class ExpectedDifferencesError extends Error {
  override readonly name = 'ExpectedDifferencesError'
  /** The part of the view's expected differences that is wrong. */
  readonly setting: 'columns' | 'where' | 'tolerance'

  constructor(setting: ExpectedDifferencesError['setting'], message: string, cause?: unknown) {
    super(`expected.${setting} ${message}`, cause === undefined ? {} : { cause })
    this.setting = setting
  }
}
