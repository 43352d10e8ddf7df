import { Type } from 'typebox'
import type { ReplayConfig } from '../config.ts'
import type { Overview } from '../overview/overview.ts'
import type { DefinitionAnalysis } from '../replays/analyse-definition.ts'
import type { Supervisor, SupervisorParts } from '../supervision/supervisor.ts'

/** What the routes are made of. */
export interface ReplayContext {
  readonly config: ReplayConfig
  readonly parts: SupervisorParts
  readonly overview: Overview
  readonly supervisor: Supervisor
  readonly analysis: DefinitionAnalysis
}

export const replayParams = Type.Object({
  id: Type.String({ description: '`<application>-<release>`.' }),
})
export const releaseParams = Type.Object({
  application: Type.String(),
  release: Type.Integer({ minimum: 1 }),
})
export const applicationParams = Type.Object({ application: Type.String() })
export const applicationQuery = Type.Object({ application: Type.Optional(Type.String()) })
export const dryRunQuery = Type.Object({
  dry_run: Type.Optional(Type.Boolean({ description: 'Only say what would happen.' })),
})
