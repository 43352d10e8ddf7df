import type { Kafka } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { ReplayConfig } from '../config.ts'
import type { ControlLog } from '../control/control-log.ts'
import type { Effects } from '../control/effects.ts'
import type { PositionWriter } from '../control/position-writer.ts'
import type { Releases } from '../control/releases.ts'
import type { ClusterLauncher } from '../launchers/launcher.ts'
import type { ObjectStore } from '../object-store.ts'
import type { ContractsFolder } from './contracts-folder.ts'

/** What a release needs of the service around it. */
export interface ReleaseParts {
  readonly config: ReplayConfig
  readonly contracts: ContractsFolder
  readonly kafka: Kafka
  readonly store: ObjectStore
  readonly control: Pick<ControlLog, 'epoch' | 'nextPointerEpoch' | 'positions' | 'removePositions'>
  readonly releases: Releases
  readonly effects: Effects
  readonly positions: PositionWriter
  readonly launcher: ClusterLauncher
  readonly logger: Logger
}
