import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { ObjectStoreSettings } from '@kappa/service/settings'

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
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
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
    const fullPrefix = this.#fullKey(prefix)
    let continuation: string | undefined
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: fullPrefix,
          Delimiter: '/',
          ...(continuation === undefined ? {} : { ContinuationToken: continuation }),
        }),
      )
      for (const { Key } of page.Contents ?? []) if (Key) names.push(Key.slice(fullPrefix.length))
      continuation = page.NextContinuationToken
    } while (continuation !== undefined)
    return names
  }

  #fullKey(key: string): string {
    return `${this.#namespace}/${key}`
  }

  close(): void {
    this.#client.destroy()
  }
}
