import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '@kappa/processes/error-code'

export interface Secrets {
  /** The password itself, and the file that holds nothing else. */
  readonly redisPassword: string
  readonly redisPasswordFile: string
  readonly s3: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** JSON with the two keys. */
  readonly s3CredentialsFile: string
}

/**
 * Reads the stack's secrets; those that are not there yet are generated. The folder can be read
 * by its owner only, and so can the files.
 */
export function ensureSecrets(folder: string): Secrets {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const redisPasswordFile = join(folder, 'redis-password')
  const s3CredentialsFile = join(folder, 's3-credentials.json')
  const redisPassword = readOrWrite(redisPasswordFile, () => randomBytes(32).toString('base64url'))
  const s3 = readOrWrite(s3CredentialsFile, () =>
    JSON.stringify({
      accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
      secretAccessKey: randomBytes(30).toString('base64url'),
    }),
  )
  return { redisPassword, redisPasswordFile, s3: JSON.parse(s3), s3CredentialsFile }
}

function readOrWrite(file: string, make: () => string): string {
  try {
    writeFileSync(file, make(), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  return readFileSync(file, 'utf8')
}
