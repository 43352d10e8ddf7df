/**
 * An event that is JSON text already: sent as it is, without being parsed, so that no number loses
 * digits on the way.
 */
export class JsonText {
  readonly text: string

  /** @throws TypeError the text is blank or has a line feed, which separates events */
  constructor(text: string) {
    if (text.includes('\n')) throw new TypeError('the text of an event has no line feeds')
    if (text.trim() === '') throw new TypeError('the text of an event is not blank')
    this.text = text
  }
}
