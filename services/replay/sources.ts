import type { ApplicationDefinition } from '@kappa/applications/definition'
import { ApplicationError, type Problem } from '@kappa/applications/problems'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { Contracts } from '@kappa/contracts/contracts'

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
    sources[name] = {
      name,
      topic: stream.topic,
      eventTime: contract.eventTimeField,
      latenessMs: stream.latenessMs,
      earlinessMs: contract.earlinessMs,
      importDisorderMaxMs: contract.importDisorderMaxMs,
      columns: contract.fields,
      versions: contract.versions.map(({ schemaId, schemaText }) => ({
        schemaId,
        schema: schemaText,
      })),
      readerSchema: contract.newest.schemaText,
    }
  }
  if (problems.length > 0) throw new ApplicationError(definition.application, problems)
  return sources
}
