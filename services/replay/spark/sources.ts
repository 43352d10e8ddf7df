import { isDeepStrictEqual } from 'node:util'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import { ApplicationError, type Problem } from '@kappa/applications/problems'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { Contract, ContractVersion } from '@kappa/contracts/contract'
import type { Contracts } from '@kappa/contracts/contracts'
import { parseForeignSchema } from '@kappa/contracts/foreign-schema'
import { resolve } from '@kappa/contracts/resolution'
import type { Schema } from '@kappa/contracts/schema'

/**
 * Binds an application's streams to the contracts of their topics, as they are now.
 * @throws ApplicationError for every stream whose topic has no contract.
 */
export function bindSources(
  definition: ApplicationDefinition,
  contracts: Contracts,
): Record<string, StreamSource> {
  const problems: Problem[] = []
  const sources: Record<string, StreamSource> = {}
  for (const [name, stream] of Object.entries(definition.streams)) {
    const contract = contracts.get(stream.topic)
    if (!contract) {
      const message = `stream ${name} reads ${stream.topic}, which has no contract: there is no folder schemas/${stream.topic}.`
      problems.push({ file: 'application.yaml', message })
      continue
    }
    const { schema, schemaText } = contract.newest
    sources[name] = {
      name,
      topic: stream.topic,
      eventTime: contract.eventTimeField,
      latenessMs: stream.latenessMs,
      earlinessMs: contract.earlinessMs,
      importDisorderMaxMs: contract.importDisorderMaxMs,
      columns: contract.fields,
      readerSchema: schemaText,
      ...decodableVersions(schema, [], contract),
    }
  }
  if (problems.length > 0) throw new ApplicationError(definition.application, problems)
  return sources
}

/**
 * The sources of a release with a branch more for every version of the contracts that came after it
 * was made and that its own reader schema can resolve. What it decoded once it always decodes, so
 * that contracts from an older checkout take nothing away.
 * @returns the same object when there is nothing new
 */
export function extendSources(
  sources: Readonly<Record<string, StreamSource>>,
  contracts: Contracts,
): Readonly<Record<string, StreamSource>> {
  const extended: Record<string, StreamSource> = {}
  for (const [name, source] of Object.entries(sources)) {
    const contract = contracts.get(source.topic)
    extended[name] = contract
      ? {
          ...source,
          ...decodableVersions(
            parseForeignSchema(source.readerSchema).schema,
            source.versions,
            contract,
          ),
        }
      : source
  }
  return isDeepStrictEqual(extended, sources) ? sources : extended
}

type Versions = Pick<StreamSource, 'versions' | 'undecodableVersions'>

function decodableVersions(
  reader: Schema,
  known: StreamSource['versions'],
  contract: Contract,
): Versions {
  const added: ContractVersion[] = []
  const undecodable: { version: number; schemaId: number; reason: string }[] = []
  for (const version of contract.versions) {
    const { n, schemaId, schema } = version
    if (known.some((one) => one.schemaId === schemaId)) continue
    const mismatches = resolve(reader, schema)
    if (mismatches.length === 0) added.push(version)
    else {
      const reason = mismatches.map(({ message }) => message).join('; ')
      undecodable.push({ version: n, schemaId, reason })
    }
  }
  const versions = [
    ...known,
    ...added.map(({ schemaId, schemaText }) => ({ schemaId, schema: schemaText })),
  ]
  return { versions, undecodableVersions: undecodable }
}
