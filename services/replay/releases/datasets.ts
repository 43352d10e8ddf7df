import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import { ApplicationError } from '@kappa/applications/problems'
import type { PinnedDataset } from '@kappa/applications/records'
import type { ObjectStore } from '../object-store.ts'
import { releaseFolder } from './release-folder.ts'

/**
 * Copies the application's datasets to where only this release reads them: a file that changes in
 * the folder afterwards changes no row of a release that runs.
 * @throws ApplicationError naming every file that cannot be read.
 */
export async function pinDatasets(
  store: ObjectStore,
  definition: Pick<ApplicationDefinition, 'application' | 'datasets'>,
  options: { folder: string; release: number },
): Promise<Record<string, PinnedDataset>> {
  const { application } = definition
  const pinned: Record<string, PinnedDataset> = {}
  for (const [name, dataset] of Object.entries(definition.datasets)) {
    const { content, sha256 } = await readDataset(definition, name, options.folder)
    const folder = releaseFolder('datasets', application, options.release)
    const key = `${folder}${name}/${sha256.slice(0, 16)}.${dataset.format}`
    await store.put(key, content)
    pinned[name] = { location: store.location(key), sha256 }
  }
  return pinned
}

/**
 * What the files of the application's datasets hold now: SHA-256 by dataset, as hexadecimal text.
 * @throws ApplicationError naming a file that cannot be read.
 */
export async function hashDatasets(
  definition: ApplicationDefinition,
  folder: string,
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const name of Object.keys(definition.datasets)) {
    hashes[name] = (await readDataset(definition, name, folder)).sha256
  }
  return hashes
}

async function readDataset(
  { application, datasets }: Pick<ApplicationDefinition, 'application' | 'datasets'>,
  name: string,
  folder: string,
): Promise<{ content: Buffer; sha256: string }> {
  const path = datasets[name]?.path ?? ''
  const content = await readFile(join(folder, application, path)).catch(() => {
    const message = `dataset ${name} names ${path}, which cannot be read in the application's folder.`
    throw new ApplicationError(application, [{ file: 'application.yaml', message }])
  })
  return { content, sha256: createHash('sha256').update(content).digest('hex') }
}
