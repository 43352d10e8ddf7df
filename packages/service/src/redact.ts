/**
 * Takes secrets out of texts that leave the process as logs, whoever has put them there: a library
 * into an error's message, Spark into a stack trace.
 */

const censor = '[redacted]'
/** Shorter ones are found in too much that is none. */
const secretLengthMin = 6

const known = new Set<string>()

/** To be called with what a file of secrets holds: it is taken out wherever it appears. */
export function rememberSecret(secret: string): void {
  // As JSON too, which is how it stands in a line of the log.
  for (const text of [secret, JSON.stringify(secret).slice(1, -1)]) {
    if (text.length >= secretLengthMin) known.add(text)
  }
}

const patterns: readonly (readonly [RegExp, string])[] = [
  // scheme://user:password@host
  [/([a-z][a-z\d+.-]{0,20}:\/\/[^\s:/@"\\]{0,100}:)[^\s/@"\\]{1,500}@/gi, `$1${censor}@`],
  [/\b((?:Bearer|Basic)\s+)[\w.~+/=-]{6,}/gi, `$1${censor}`],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"\\]+/gi, `$1${censor}`],
  // JAAS and property files: password="…", secret = …
  [/\b((?:[\w.-]*(?:password|secret|secret\.?key))\s*=\s*\\*"?)[^\s"\\,;&}]+/gi, `$1${censor}`],
  // What is named so, however deep it lies in a line.
  [
    /("(?:password|token|clientSecret|secretAccessKey|authorization|cookie)":)"(?:[^"\\]|\\.)*"/gi,
    `$1"${censor}"`,
  ],
  [/-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----/g, censor],
]

export function redact(text: string): string {
  let result = text
  for (const secret of known) {
    if (result.includes(secret)) result = result.replaceAll(secret, censor)
  }
  for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement)
  return result
}
