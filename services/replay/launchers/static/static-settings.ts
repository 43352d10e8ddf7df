import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { ConfigReader } from '@kappa/service/config'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const text = (description: string) => Type.String({ minLength: 1, description })

const slotsFile = Type.Array(
  Type.Object(
    {
      name: text('For messages.'),
      address: Type.String({
        pattern: '^[^\\s:/]+:\\d{1,5}$',
        description: 'Host and port of Spark Connect.',
      }),
      tokenFile: text('Holds what the server has as spark.connect.authenticate.token.'),
      cores: Type.Integer({ minimum: 1, description: 'Of all its executors together.' }),
      memory: Type.String({
        pattern: '^[1-9]\\d{0,5}[mg]$',
        description: 'JVM heap of all its executors together, for example `1536m`.',
      }),
    },
    { additionalProperties: false },
  ),
  { minItems: 1 },
)

const checked = Compile(slotsFile)

/** A Spark Connect server that is there already and is started anew whenever it ends. */
export interface SlotSettings extends Omit<Static<typeof slotsFile>[number], 'tokenFile'> {
  readonly token: string
}

export interface StaticLauncherSettings {
  readonly slots: readonly SlotSettings[]
  /** Mounted at the same path here and in every container of the slots. Only secured Kafka needs it. */
  readonly secretsFolder?: string
  /** Longest wait for an answer of a slot. */
  readonly requestTimeoutMs: number
  /** How often a slot is looked at. */
  readonly pollIntervalMs: number
  /** A slot in use that answers nothing for longer is given up. */
  readonly silentMsMax: number
  /**
   * How long nothing must have listened at a slot until nothing can run there any more: a Spark that
   * is told to end stops listening at once, and may take so long to end.
   */
  readonly goneAfterMs: number
  /** How long a slot may take from its end until it answers anew. */
  readonly restartTimeoutMs: number
}

export function readStaticLauncher(read: ConfigReader): StaticLauncherSettings {
  const secretsFolder = readSecretsFolder(read)
  return {
    slots: readSlots(read),
    ...(secretsFolder === undefined ? {} : { secretsFolder }),
    requestTimeoutMs: read.milliseconds('KAPPA_STATIC_REQUEST_TIMEOUT_MS', { default: 30_000 }),
    pollIntervalMs: read.milliseconds('KAPPA_STATIC_POLL_INTERVAL_MS', { default: 1_000 }),
    silentMsMax: read.milliseconds('KAPPA_STATIC_SILENT_MS_MAX', { default: 60_000 }),
    goneAfterMs: read.milliseconds('KAPPA_STATIC_GONE_AFTER_MS', { default: 15_000 }),
    restartTimeoutMs: read.milliseconds('KAPPA_STATIC_RESTART_TIMEOUT_MS', { default: 60_000 }),
  }
}

function readSecretsFolder(read: ConfigReader): string | undefined {
  const name = 'KAPPA_STATIC_SECRETS_FOLDER'
  const folder = read.optionalText(name)
  if (folder !== undefined && !isAbsolute(folder)) {
    read.reject(name, `is "${folder}"`, 'an absolute path, the same here and in every slot')
  }
  return folder
}

const FILE = 'KAPPA_STATIC_SLOTS_FILE'

function readSlots(read: ConfigReader): SlotSettings[] {
  const wanted = 'a JSON file that lists slots with name, address, tokenFile, cores and memory'
  const file = read.text(FILE)
  if (file === '') return []
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    read.reject(FILE, `names a file that cannot be read (${(error as Error).message})`, wanted)
    return []
  }
  if (!checked.Check(value)) {
    const [problem] = checked.Errors(value)
    const where = problem?.instancePath === '' ? 'it' : problem?.instancePath.slice(1)
    const what = problem?.keyword === 'boolean' ? 'is not known' : problem?.message
    read.reject(FILE, `names a file in which ${where} ${what}`, wanted)
    return []
  }
  for (const field of ['name', 'address'] as const) {
    const all = value.map((slot) => slot[field])
    const twice = all.find((one, index) => all.indexOf(one) !== index)
    if (twice !== undefined) {
      read.reject(FILE, `names two slots with the ${field} ${twice}`, 'a file without those')
    }
  }
  return value.map(({ tokenFile, ...slot }) => ({ ...slot, token: readToken(read, tokenFile) }))
}

function readToken(read: ConfigReader, file: string): string {
  const wanted = "a file whose tokenFile of each slot holds that slot's token"
  try {
    const token = readFileSync(file, 'utf8').trim()
    if (token === '') read.reject(FILE, `names the tokenFile ${file}, which is empty`, wanted)
    return token
  } catch (error) {
    const { message } = error as Error
    read.reject(FILE, `names a tokenFile that cannot be read (${message})`, wanted)
    return ''
  }
}
