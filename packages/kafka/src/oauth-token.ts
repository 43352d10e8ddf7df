import { KafkaError, type KafkaSasl } from './port.ts'

export type OAuthClient = Extract<KafkaSasl, { mechanism: 'oauthbearer' }>

interface OAuthToken {
  readonly value: string
  /** Epoch ms. */
  readonly staleAt: number
}

const REQUEST_TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64 * 1024
/** Of a token's life, after which the next connection gets a new one; as Kafka's own client does. */
const USED_LIFE = 0.8
/** A token with less left to live is not worth authenticating with: brokers end its sessions soon. */
const LEFT_MS_LEAST = 15_000
const LIFE_S_UNKNOWN = 60

/** Of one client, so that all its connections share a token; gone with its configuration. */
const sources = new WeakMap<OAuthClient, () => Promise<string>>()

/**
 * An access token by OAuth 2.0 client credentials (RFC 6749, 4.4), asked for again before it
 * expires. The client's id and secret travel as HTTP basic authentication, form-encoded first (2.3.1).
 *
 * @throws KafkaError `authentication_failed` when the token server refuses the client,
 *   `unavailable` when it does not answer with a token; neither quotes the secret or the token
 */
export function oauthToken(client: OAuthClient): Promise<string> {
  let source = sources.get(client)
  if (source === undefined) {
    source = tokenSource(client)
    sources.set(client, source)
  }
  return source()
}

function tokenSource(client: OAuthClient): () => Promise<string> {
  let token: OAuthToken | undefined
  let asking: Promise<OAuthToken> | undefined
  return async () => {
    if (token !== undefined && Date.now() < token.staleAt) return token.value
    asking ??= requestToken(client).finally(() => {
      asking = undefined
    })
    token = await asking
    return token.value
  }
}

async function requestToken(client: OAuthClient): Promise<OAuthToken> {
  const askedAt = Date.now()
  const { status, text } = await post(client)
  const answer = parse(text)
  if (status === 400 || status === 401 || status === 403) {
    const { error, error_description: description } = answer
    const reason = [error, description].filter((part) => typeof part === 'string').join(': ')
    throw new KafkaError(
      'authentication_failed',
      `The token server ${client.tokenUrl} refused the client "${client.clientId}": ${reason || `status ${status}`}`,
    )
  }
  const { access_token: value, expires_in: lifeS } = answer
  if (status !== 200 || typeof value !== 'string' || value === '') {
    throw new KafkaError(
      'unavailable',
      `The token server ${client.tokenUrl} answered with status ${status} and no access token`,
    )
  }
  const lifeMs = 1_000 * (typeof lifeS === 'number' && lifeS > 0 ? lifeS : LIFE_S_UNKNOWN)
  return { value, staleAt: askedAt + Math.min(USED_LIFE * lifeMs, lifeMs - LEFT_MS_LEAST) }
}

async function post(client: OAuthClient): Promise<{ status: number; text: string }> {
  const { tokenUrl, clientId, clientSecret, scope } = client
  const credentials = [clientId, clientSecret].map(formEncoded).join(':')
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) })
  try {
    const answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      },
      body,
      // A redirected request would carry the secret to a server that nobody has named.
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    return { status: answer.status, text: await boundedText(answer) }
  } catch (error) {
    throw new KafkaError(
      'unavailable',
      `The token server ${tokenUrl} did not answer: ${reasonOf(error)}`,
      { cause: error },
    )
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length)
}

async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX)
      throw new Error(`its answer has more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === 'object' && answer !== null ? { ...answer } : {}
  } catch {
    // What is not JSON has no token; its text is not quoted because it may hold one.
    return {}
  }
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}
