import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ConfigError, readConfig } from '@kappa/service/config'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import { readKafkaSettings } from '@kappa/service/settings'
import { CertificateAuthority, type Identity } from '@kappa/test/kafka-cluster/certificates'

const folder = mkdtempSync(join(tmpdir(), 'kappa-kafka-security-'))
after(() => rmSync(folder, { recursive: true }))

let authority: CertificateAuthority
let client: Identity
let files: Readonly<Record<'ca' | 'cert' | 'key' | 'otherKey' | 'password', string>>
before(async () => {
  authority = await CertificateAuthority.create('test')
  client = await authority.issue('client')
  const other = await authority.issue('other')
  files = {
    ca: file('ca.pem', authority.certificate),
    cert: file('cert.pem', client.certificate),
    key: file('key.pem', client.key),
    otherKey: file('other-key.pem', other.key),
    password: file('password', 'open sesame\n'),
  }
})

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function security(environment: Readonly<Record<string, string>>) {
  const settings = readConfig({ KAPPA_KAFKA_BROKERS: 'a:1', ...environment }, (read) =>
    readKafkaSettings(read, 'test'),
  )
  return settings.security
}

/** The only problem of an environment. */
function problem(environment: Readonly<Record<string, string>>): string {
  try {
    security(environment)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    assert.equal(error.problems.length, 1, error.message)
    return error.problems[0] as string
  }
  throw new Error('it was taken')
}

test('nothing set is plain text without authentication', () => {
  assert.equal(security({}), undefined)
  assert.deepEqual(kafkaSecurityWarnings(undefined), [])
})

test('passwords, certificates and keys come from files', () => {
  const found = security({
    KAPPA_KAFKA_TLS: 'true',
    KAPPA_KAFKA_TLS_CA_FILE: files.ca,
    KAPPA_KAFKA_TLS_CERT_FILE: files.cert,
    KAPPA_KAFKA_TLS_KEY_FILE: files.key,
    KAPPA_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAPPA_KAFKA_SASL_USERNAME: 'kappa',
    KAPPA_KAFKA_SASL_PASSWORD_FILE: files.password,
  })
  assert.deepEqual(found, {
    tls: {
      ca: authority.certificate.trim(),
      client: { certificate: client.certificate.trim(), key: client.key.trim() },
    },
    sasl: { mechanism: 'scram-sha-512', username: 'kappa', password: 'open sesame' },
  })
  assert.deepEqual(kafkaSecurityWarnings(found), [])
})

test('what crosses the network readable is warned of, and allowed', () => {
  const plain = security({
    KAPPA_KAFKA_SASL_MECHANISM: 'plain',
    KAPPA_KAFKA_SASL_USERNAME: 'kappa',
    KAPPA_KAFKA_SASL_PASSWORD_FILE: files.password,
  })
  assert.match(kafkaSecurityWarnings(plain).join(), /plain without TLS: credentials and events/)
  const oauth = security({
    KAPPA_KAFKA_TLS: 'true',
    KAPPA_KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAPPA_KAFKA_OAUTH_TOKEN_URL: 'http://tokens.example/token',
    KAPPA_KAFKA_OAUTH_CLIENT_ID: 'kappa',
    KAPPA_KAFKA_OAUTH_CLIENT_SECRET_FILE: files.password,
    KAPPA_KAFKA_OAUTH_SCOPE: 'kafka',
  })
  assert.match(kafkaSecurityWarnings(oauth).join(), /KAPPA_KAFKA_OAUTH_TOKEN_URL/)
})

test('contradictions are told by the name of the variable, and secrets are not quoted', () => {
  const scram = { KAPPA_KAFKA_SASL_MECHANISM: 'scram-sha-256' }
  const complete = {
    ...scram,
    KAPPA_KAFKA_SASL_USERNAME: 'kappa',
    KAPPA_KAFKA_SASL_PASSWORD_FILE: files.password,
  }
  const tls = { KAPPA_KAFKA_TLS: 'true' }
  const cases: [Readonly<Record<string, string>>, RegExp][] = [
    [
      { ...scram, KAPPA_KAFKA_SASL_PASSWORD_FILE: files.password },
      /^KAPPA_KAFKA_SASL_USERNAME is not set/,
    ],
    [{ ...scram, KAPPA_KAFKA_SASL_USERNAME: 'kappa' }, /^KAPPA_KAFKA_SASL_PASSWORD_FILE is not/],
    [{ KAPPA_KAFKA_SASL_USERNAME: 'kappa' }, /^KAPPA_KAFKA_SASL_USERNAME is set; .*MECHANISM/],
    [{ ...complete, KAPPA_KAFKA_SASL_MECHANISM: 'scram' }, /is "scram"; it must be plain \| scram/],
    [
      { ...complete, KAPPA_KAFKA_SASL_PASSWORD: 'open sesame' },
      /^KAPPA_KAFKA_SASL_PASSWORD is in the environment; .*KAPPA_KAFKA_SASL_PASSWORD_FILE/,
    ],
    [
      { ...complete, KAPPA_KAFKA_OAUTH_SCOPE: 'all' },
      /^KAPPA_KAFKA_OAUTH_SCOPE is set; .*left out with KAPPA_KAFKA_SASL_MECHANISM=scram-sha-256/,
    ],
    [
      {
        KAPPA_KAFKA_SASL_MECHANISM: 'oauthbearer',
        KAPPA_KAFKA_OAUTH_TOKEN_URL: 'https://me:open%20sesame@tokens.example',
        KAPPA_KAFKA_OAUTH_CLIENT_ID: 'kappa',
        KAPPA_KAFKA_OAUTH_CLIENT_SECRET_FILE: files.password,
      },
      /^KAPPA_KAFKA_OAUTH_TOKEN_URL has credentials in it/,
    ],
    [{ KAPPA_KAFKA_TLS_CA_FILE: files.ca }, /^KAPPA_KAFKA_TLS_CA_FILE is set; .*TLS=true/],
    [{ ...tls, KAPPA_KAFKA_TLS_CERT_FILE: files.cert }, /^KAPPA_KAFKA_TLS_KEY_FILE is not set/],
    [{ ...tls, KAPPA_KAFKA_TLS_KEY_FILE: files.key }, /^KAPPA_KAFKA_TLS_CERT_FILE is not set/],
    [{ ...tls, KAPPA_KAFKA_TLS_CA_FILE: files.key }, /^KAPPA_KAFKA_TLS_CA_FILE .*no|without/],
    [
      { ...tls, KAPPA_KAFKA_TLS_CERT_FILE: files.cert, KAPPA_KAFKA_TLS_KEY_FILE: files.otherKey },
      /^KAPPA_KAFKA_TLS_KEY_FILE .*KEY_VALUES_MISMATCH/,
    ],
    [
      { ...tls, KAPPA_KAFKA_TLS_CERT_FILE: files.cert, KAPPA_KAFKA_TLS_KEY_FILE: files.password },
      /^KAPPA_KAFKA_TLS_KEY_FILE names a file that cannot be used/,
    ],
  ]
  for (const [environment, wanted] of cases) {
    const told = problem(environment)
    assert.match(told, wanted)
    assert.ok(!/open.{1,3}sesame/.test(told), told)
  }
})
