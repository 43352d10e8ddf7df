import type { ContractVersion } from '@kappa/contracts/contract'
import { ServiceError } from '@kappa/service/errors'
import type { Span } from '@kappa/service/tracing'
import type { BodyFormat } from '../bodies/body-format.ts'
import type { IngestContext } from '../context.ts'
import type { RejectionSink } from '../rejected/rejection.ts'
import { declaredDisorder } from './import-disorder.ts'
import type { Topic } from './topics.ts'

export interface PublishQuery {
  readonly mode?: 'live' | 'import'
  readonly disorder?: string
  readonly version?: number
  readonly rejected?: 'keep' | 'discard'
}

export interface PublishOptions {
  readonly target: Topic
  readonly version: ContractVersion
  readonly disorderMs: number | undefined
  readonly sink: RejectionSink | undefined
  readonly span?: Span | undefined
}

/**
 * What a request says about how its events are to be published.
 * @throws ServiceError `unknown_topic`, `unknown_version`, `version_not_publishable`, `bad_request`
 */
export function publishOptions(
  { topics, versions, rejected }: IngestContext,
  topic: string,
  query: PublishQuery,
  format: BodyFormat,
): PublishOptions {
  const target = topics.get(topic)
  if (query.version !== undefined && format.version !== undefined) {
    if (query.version !== format.version) {
      throw new ServiceError(
        'bad_request',
        `The query names version ${query.version}, the content type version ${format.version}. Name one.`,
      )
    }
  }
  const { contract } = target
  return {
    target,
    version: versions.choose(contract, query.version ?? format.version),
    disorderMs: declaredDisorder(query, contract.importDisorderMaxMs),
    sink: rejected.sinkFor(query.rejected),
  }
}
