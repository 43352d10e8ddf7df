import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { ObjectStoreSettings } from '@kappa/service/settings'

/** As many as S3 lists, and deletes, in one request. */
const pageKeysMax = 1_000
const refusedShownMax = 5

export class ObjectStoreError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ObjectStoreError'
  }
}

interface ListBounds {
  readonly delimiter?: string
  readonly keysMax?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The few things that replay does with an S3-compatible store. Keys are below the installation's
 * namespace, so that several can share a bucket.
 */
export class ObjectStore {
  readonly #bucket: string
  readonly #namespace: string
  readonly #client: S3Client

  constructor(settings: ObjectStoreSettings, namespace: string) {
    this.#bucket = settings.bucket
    this.#namespace = namespace
    this.#client = new S3Client({
      endpoint: settings.endpoint,
      region: settings.region,
      forcePathStyle: true,
      maxAttempts: 4,
      credentials: {
        accessKeyId: settings.accessKeyId,
        secretAccessKey: settings.secretAccessKey,
      },
      requestHandler: {
        connectionTimeout: settings.requestTimeoutMs,
        requestTimeout: settings.requestTimeoutMs,
        // A body that stops in its middle.
        socketTimeout: settings.requestTimeoutMs,
        // The client only warns otherwise, and waits on.
        throwOnRequestTimeout: true,
      },
    })
  }

  /** Where Spark finds what is below a key. */
  location(key: string): string {
    return `s3a://${this.#bucket}/${this.#fullKey(key)}`
  }

  async put(key: string, body: Buffer): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: this.#fullKey(key), Body: body }),
    )
  }

  /** Returns false, and writes nothing, where there is an object with that key. */
  async putNew(key: string, text: string): Promise<boolean> {
    // Asked first as well: a store that does not know the condition would write all the same.
    if ((await this.getText(key)) !== undefined) return false
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#fullKey(key),
          Body: text,
          IfNoneMatch: '*',
        }),
      )
      return true
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'PreconditionFailed') return false
      throw error
    }
  }

  /** undefined where there is no such object. */
  async getText(key: string): Promise<string | undefined> {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#fullKey(key) }),
      )
      return await Body?.transformToString('utf8')
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  }

  /** Names right below a prefix that ends in a slash, without the prefix. */
  async listNames(prefix: string): Promise<string[]> {
    const names: string[] = []
    const { length } = this.#fullKey(prefix)
    for await (const { Contents = [] } of this.#pages(prefix, { delimiter: '/' })) {
      for (const { Key } of Contents) if (Key) names.push(Key.slice(length))
    }
    return names
  }

  /**
   * Folders right below a prefix that ends in a slash, without the prefix and their own slash. Some
   * stores keep a folder that holds nothing any more.
   */
  async listFolders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    const names: string[] = []
    const { length } = this.#fullKey(prefix)
    for await (const { CommonPrefixes = [] } of this.#pages(prefix, { delimiter: '/', signal })) {
      for (const { Prefix } of CommonPrefixes) if (Prefix) names.push(Prefix.slice(length, -1))
    }
    return names
  }

  /** Whether any object is below a prefix. */
  async holdsAny(prefix: string, signal?: AbortSignal): Promise<boolean> {
    for await (const { Contents = [] } of this.#pages(prefix, { keysMax: 1, signal })) {
      return Contents.length > 0
    }
    return false
  }

  /**
   * Deletes every object below a prefix that ends in a slash, a page at a time; nobody may write there
   * meanwhile. One that cannot be deleted does not keep the others.
   * @returns how many it deleted
   * @throws ObjectStoreError naming the first of those that the store would not delete
   */
  async deletePrefix(
    prefix: string,
    options: { signal?: AbortSignal; onDeleted?: (objects: number) => void } = {},
  ): Promise<number> {
    if (!/[^/]\/$/.test(prefix)) {
      throw new ObjectStoreError(`"${prefix}" is no folder: what is deleted must end in a slash.`)
    }
    const { signal, onDeleted } = options
    const refused: string[] = []
    let deleted = 0
    for await (const { Contents = [] } of this.#pages(prefix, { signal })) {
      const keys = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
      if (keys.length === 0) continue
      const errors = await this.#deleteKeys(keys, signal)
      refused.push(...errors)
      deleted += keys.length - errors.length
      onDeleted?.(keys.length - errors.length)
    }
    if (refused.length === 0) return deleted
    const shown = refused.slice(0, refusedShownMax).join('; ')
    throw new ObjectStoreError(
      `The object store did not delete ${refused.length} objects below ${prefix}: ${shown}`,
    )
  }

  /** @returns what it would not delete, each with the store's reason */
  async #deleteKeys(keys: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
    const { Errors = [] } = await this.#client.send(
      new DeleteObjectsCommand({
        Bucket: this.#bucket,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
      abortedBy(signal),
    )
    return Errors.map(({ Key, Code, Message }) => `${Key} (${[Code, Message].join(': ')})`)
  }

  async *#pages(prefix: string, bounds: ListBounds): AsyncGenerator<ListObjectsV2CommandOutput> {
    const { delimiter, keysMax = pageKeysMax, signal } = bounds
    let continuation: string | undefined
    do {
      const page: ListObjectsV2CommandOutput = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#fullKey(prefix),
          MaxKeys: keysMax,
          ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          ...(continuation === undefined ? {} : { ContinuationToken: continuation }),
        }),
        abortedBy(signal),
      )
      yield page
      continuation = page.NextContinuationToken
    } while (continuation !== undefined)
  }

  #fullKey(key: string): string {
    return `${this.#namespace}/${key}`
  }

  close(): void {
    this.#client.destroy()
  }
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}
