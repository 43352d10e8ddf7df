import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newClusterId, startKafkaNode } from '@kappa/local/kafka'
import { freePorts } from '@kappa/processes/ports'
import { testStack } from '../stack.ts'
import { CertificateAuthority, type Identity } from './certificates.ts'
import { FakeTokenServer } from './fake-token-server.ts'

const HEAP = '256m'
const LOGIN = 'org.apache.kafka.common.security'

type ListenerName = 'saslTls' | 'saslPlain' | 'oauth' | 'clientCertificate'

/**
 * A broker that asks its clients who they are, one listener for each way: `saslTls` (PLAIN and SCRAM
 * over TLS), `saslPlain` (the same without TLS), `oauth` (OAUTHBEARER over TLS, tokens checked
 * with the token server's key), `clientCertificate` (TLS on both sides).
 */
export class SecuredKafka {
  readonly username = 'kappa'
  /** With what JAAS and shells could stumble over. */
  readonly password: string
  readonly oauthClient: { readonly id: string; readonly secret: string }
  readonly tokens: FakeTokenServer
  readonly authority: CertificateAuthority
  readonly clientIdentity: Identity
  readonly #ports: Readonly<Record<ListenerName, number>>
  readonly #stop: () => Promise<void>

  static async start(): Promise<SecuredKafka> {
    const stack = testStack()
    const folder = mkdtempSync(join(stack.stateFolder, 'secured-kafka-'))
    const password = `p"\\ =;${randomBytes(12).toString('base64url')}`
    const oauthClient = { id: 'kappa', secret: `s"\\  :%+${randomBytes(12).toString('base64url')}` }
    const authority = await CertificateAuthority.create('Kappa test authority')
    const tokens = await FakeTokenServer.start(oauthClient)
    const [brokerPort, controllerPort, saslTls, saslPlain, oauth, clientCertificate] =
      (await freePorts([0, 0, 0, 0, 0, 0])) as [number, number, number, number, number, number]
    const ports = { saslTls, saslPlain, oauth, clientCertificate }
    const files = writePems(folder, authority, await authority.issue('broker'))
    const { child } = await startKafkaNode(
      {
        java: stack.java,
        jarsFolder: stack.kafkaJarsFolder,
        heap: HEAP,
        name: 'secured-kafka',
        clusterId: newClusterId(),
        javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.jwksUrl}`],
        formatOptions: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=kappa,password="${password}"]`,
        ]),
        node: {
          id: 1,
          brokerPort,
          controllerPort,
          voters: [`1@127.0.0.1:${controllerPort}`],
          replication: { factor: 1, inSyncMin: 1 },
          properties: {
            ...listeners({ ...ports, BROKER: brokerPort, CONTROLLER: controllerPort }),
            ...files,
            ...passwordProperties(password),
            ...oauthProperties(tokens),
            'listener.name.clientcertificate.ssl.client.auth': 'required',
          },
        },
      },
      {
        folders: { logs: join(folder, 'logs'), pids: join(folder, 'run') },
        dataFolder: join(folder, 'data'),
        configFolder: join(folder, 'config'),
      },
    ).catch(async (error: unknown) => {
      await tokens.stop()
      throw error
    })
    const stop = async () => {
      await child.stop()
      await tokens.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    const parts = { password, oauthClient, tokens, authority, ports, stop }
    return new SecuredKafka({ ...parts, clientIdentity: await authority.issue('kappa') })
  }

  private constructor(
    parts: Pick<
      SecuredKafka,
      'password' | 'oauthClient' | 'tokens' | 'authority' | 'clientIdentity' | 'stop'
    > & { ports: Readonly<Record<ListenerName, number>> },
  ) {
    this.password = parts.password
    this.oauthClient = parts.oauthClient
    this.tokens = parts.tokens
    this.authority = parts.authority
    this.clientIdentity = parts.clientIdentity
    this.#ports = parts.ports
    this.#stop = parts.stop
  }

  /** `host:port` */
  broker(listener: ListenerName): string {
    return `127.0.0.1:${this.#ports[listener]}`
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

function writePems(
  folder: string,
  authority: CertificateAuthority,
  broker: Identity,
): Record<string, string> {
  mkdirSync(folder, { recursive: true })
  const keystore = join(folder, 'broker.pem')
  const truststore = join(folder, 'authority.pem')
  writeFileSync(keystore, `${broker.key}\n${broker.certificate}\n`, { mode: 0o600 })
  writeFileSync(truststore, authority.certificate)
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststore,
  }
}

function listeners(ports: Readonly<Record<string, number>>): Record<string, string> {
  const protocols: Record<string, string> = {
    BROKER: 'PLAINTEXT',
    CONTROLLER: 'PLAINTEXT',
    saslTls: 'SASL_SSL',
    saslPlain: 'SASL_PLAINTEXT',
    oauth: 'SASL_SSL',
    clientCertificate: 'SSL',
  }
  const all = Object.entries(ports).map(([name, port]) => [
    name,
    `${name.toUpperCase()}://127.0.0.1:${port}`,
  ])
  return {
    listeners: all.map(([, address]) => address).join(','),
    'advertised.listeners': all
      .filter(([name]) => name !== 'CONTROLLER')
      .map(([, address]) => address)
      .join(','),
    'listener.security.protocol.map': Object.entries(protocols)
      .map(([name, protocol]) => `${name.toUpperCase()}:${protocol}`)
      .join(','),
  }
}

function passwordProperties(password: string): Record<string, string> {
  const quoted = password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  const properties: Record<string, string> = {}
  for (const name of ['sasltls', 'saslplain']) {
    const prefix = `listener.name.${name}`
    properties[`${prefix}.sasl.enabled.mechanisms`] = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512'
    properties[`${prefix}.plain.sasl.jaas.config`] =
      `${LOGIN}.plain.PlainLoginModule required user_kappa="${quoted}";`
    for (const scram of ['scram-sha-256', 'scram-sha-512']) {
      properties[`${prefix}.${scram}.sasl.jaas.config`] =
        `${LOGIN}.scram.ScramLoginModule required;`
    }
  }
  return properties
}

function oauthProperties(tokens: FakeTokenServer): Record<string, string> {
  const prefix = 'listener.name.oauth'
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
    [`${prefix}.oauthbearer.sasl.jaas.config`]: `${LOGIN}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${prefix}.oauthbearer.sasl.server.callback.handler.class`]: `${LOGIN}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    [`${prefix}.sasl.oauthbearer.jwks.endpoint.url`]: tokens.jwksUrl,
    [`${prefix}.sasl.oauthbearer.expected.audience`]: FakeTokenServer.audience,
    // Else connections may live on after their token.
    [`${prefix}.oauthbearer.connections.max.reauth.ms`]: '3600000',
    [`${prefix}.sasl.oauthbearer.expected.issuer`]: FakeTokenServer.issuer,
  }
}
