import { createSign, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const BODY_BYTES_MAX = 16_384
const KEY_ID = 'test'

export interface OAuthTestClient {
  readonly id: string
  readonly secret: string
}

/**
 * A fake authorization server: client credentials in, signed tokens out, and the key to check them
 * with at `/jwks`. It can give out tokens that have expired.
 */
export class FakeTokenServer {
  static readonly issuer = 'fake-token-server'
  static readonly audience = 'kafka'
  /** How long the next tokens live; a negative life is one that is over. */
  lifeMs = 3_600_000
  /** Tokens given out so far. */
  issued = 0
  /** The scopes that were asked for, in order. */
  readonly scopes: (string | null)[] = []
  readonly #client: OAuthTestClient
  readonly #server: Server
  readonly #privateKey: KeyObject
  readonly #jwks: string

  static async start(client: OAuthTestClient): Promise<FakeTokenServer> {
    const server = new FakeTokenServer(client)
    await new Promise<void>((done) => server.#server.listen(0, '127.0.0.1', done))
    return server
  }

  private constructor(client: OAuthTestClient) {
    this.#client = client
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    this.#privateKey = privateKey
    const key = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' }
    this.#jwks = JSON.stringify({ keys: [key] })
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: Error) => {
        response.writeHead(500).end(error.message)
      })
    })
  }

  get tokenUrl(): string {
    return `${this.#url}/token`
  }

  get jwksUrl(): string {
    return `${this.#url}/jwks`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    if (request.url === '/jwks') return void send(200, this.#jwks)
    const form = new URLSearchParams(await readBody(request))
    if (!this.#knows(request.headers.authorization)) {
      const error = { error: 'invalid_client', error_description: 'wrong id or secret' }
      return void send(401, JSON.stringify(error))
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return void send(400, JSON.stringify({ error: 'unsupported_grant_type' }))
    }
    this.scopes.push(form.get('scope'))
    this.issued += 1
    const answer = {
      access_token: this.#token(form.get('scope')),
      token_type: 'Bearer',
      expires_in: Math.max(1, Math.floor(this.lifeMs / 1_000)),
    }
    send(200, JSON.stringify(answer))
  }

  /** HTTP basic authentication of form-encoded parts (RFC 6749, 2.3.1). */
  #knows(authorization: string | undefined): boolean {
    const basic = /^Basic (\S+)$/.exec(authorization ?? '')?.[1] ?? ''
    const [id, secret] = Buffer.from(basic, 'base64')
      .toString()
      .split(':')
      .map((part) => new URLSearchParams(`part=${part}`).get('part'))
    return id === this.#client.id && secret === this.#client.secret
  }

  #token(scope: string | null): string {
    const expires = Date.now() + this.lifeMs
    const claims = {
      iss: FakeTokenServer.issuer,
      aud: FakeTokenServer.audience,
      sub: this.#client.id,
      jti: randomUUID(),
      iat: Math.floor((Math.min(expires, Date.now()) - 1_000) / 1_000),
      exp: Math.floor(expires / 1_000),
      ...(scope === null ? {} : { scope }),
    }
    const signed = [{ alg: 'RS256', typ: 'JWT', kid: KEY_ID }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#privateKey, 'base64url')}`
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > BODY_BYTES_MAX) throw new Error('the body is too large')
  }
  return text
}
