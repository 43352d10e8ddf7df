import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { freePorts } from '@kappa/processes/ports'
import { type Child, startChild } from './child.ts'
import type { ComponentContext } from './component.ts'
import type { Secrets } from './secrets.ts'

const READY_TIMEOUT_MS = 60_000
// Its filer waits 15 s for streams that only it itself holds open. What it has acknowledged is in
// files by then, and a killed one finds it there.
const STOP_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 5_000
/** sockaddr_un(7): 108 bytes with the final zero. */
const SOCKET_PATH_BYTES_MAX = 107

export const REGION = 'us-east-1'
export const BUCKET = 'kappa'

export interface ObjectStoreOptions {
  /** SeaweedFS's executable. */
  readonly weed: string
  readonly port: number
}

export interface RunningObjectStore {
  readonly child: Child
  readonly endpoint: string
}

/**
 * Starts SeaweedFS (master, volume server, filer and S3 gateway in one process) on loopback, and
 * makes the bucket.
 */
export async function startObjectStore(
  options: ObjectStoreOptions,
  secrets: Secrets,
  context: ComponentContext,
): Promise<RunningObjectStore> {
  const ports = await freePorts([options.port, 0, 0, 0, 0, 0, 0, 0])
  mkdirSync(context.dataFolder, { recursive: true, mode: 0o700 })
  mkdirSync(context.configFolder, { recursive: true, mode: 0o700 })
  const identities = join(context.configFolder, 's3-identities.json')
  writeFileSync(identities, JSON.stringify(identitiesOf(secrets)), { mode: 0o600 })
  const endpoint = `http://127.0.0.1:${ports[0]}`
  const client = s3Client(endpoint, secrets)
  try {
    const child = await startChild(
      {
        name: 'object-store',
        command: options.weed,
        args: weedArguments(ports, identities, context),
        cwd: context.configFolder,
        ready: () => takesObjects(client),
        readyTimeoutMs: READY_TIMEOUT_MS,
        stopTimeoutMs: STOP_TIMEOUT_MS,
      },
      context.folders,
      context.signal,
    )
    void child.exited.then(() => removeGrpcSockets(ports))
    return { child, endpoint }
  } finally {
    client.destroy()
  }
}

function weedArguments(
  ports: readonly number[],
  identities: string,
  context: ComponentContext,
): string[] {
  const [s3, s3Grpc, master, masterGrpc, volume, volumeGrpc, filer, filerGrpc] = ports
  const socket = (name: string): string => socketPath(context.configFolder, name, s3)
  return [
    '-logtostderr=true',
    'server',
    `-dir=${context.dataFolder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    `-master.port=${master}`,
    `-master.port.grpc=${masterGrpc}`,
    '-master.telemetry=false',
    '-master.volumeSizeLimitMB=512',
    `-volume.port=${volume}`,
    `-volume.port.grpc=${volumeGrpc}`,
    '-volume.max=40',
    '-volume.readMode=local',
    '-filer',
    `-filer.port=${filer}`,
    `-filer.port.grpc=${filerGrpc}`,
    `-filer.localSocket=${socket('filer')}`,
    '-filer.ui.deleteDir=false',
    '-s3',
    `-s3.port=${s3}`,
    `-s3.port.grpc=${s3Grpc}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    `-s3.localSocket=${socket('s3')}`,
    `-s3.config=${identities}`,
    '-s3.autoCreateBucket=false',
  ]
}

function socketPath(folder: string, name: string, port: number | undefined): string {
  const path = join(folder, `${name}.sock`)
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path
  return join(tmpdir(), `kappa-${name}-${port}.sock`)
}

/** SeaweedFS makes a socket for each of its gRPC ports, whatever it is told, and leaves them. */
function removeGrpcSockets(ports: readonly number[]): void {
  for (const port of ports) {
    for (const part of ['master', 'volume', 'filer', 's3']) {
      rmSync(`/tmp/seaweedfs-${part}-grpc-${port}.sock`, { force: true })
    }
  }
}

function identitiesOf(secrets: Secrets): object {
  const credentials = [{ accessKey: secrets.s3.accessKeyId, secretKey: secrets.s3.secretAccessKey }]
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging']
  return { identities: [{ name: 'kappa', credentials, actions }] }
}

function s3Client(endpoint: string, secrets: Secrets): S3Client {
  return new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: secrets.s3,
    maxAttempts: 1,
    // The client only warns otherwise, and waits on.
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true },
  })
}

/** The port opens before there is a volume to write to: only a written object proves it. */
async function takesObjects(client: S3Client): Promise<true> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: BUCKET }))
  } catch (error) {
    if ((error as Error).name !== 'NotFound') throw error
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  }
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: '.kappa-ready', Body: 'ready' }))
  return true
}
