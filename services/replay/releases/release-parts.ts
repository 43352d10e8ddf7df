import type { Contracts } from '@kappa/contracts/contracts'
import type { Kafka } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { ReplayConfig } from '../config.ts'
import type { ControlLog } from '../control/control-log.ts'
import type { PositionWriter } from '../control/position-writer.ts'
import type { ClusterLauncher } from '../launchers/launcher.ts'
import type { ObjectStore } from '../object-store.ts'

/** What a release needs of the service around it. */
export interface ReleaseParts {
  readonly config: ReplayConfig
  /** As they were when this instance was started. */
  readonly contracts: Contracts
  readonly kafka: Kafka
  readonly store: ObjectStore
  readonly control: ControlLog
  readonly positions: PositionWriter
  readonly launcher: ClusterLauncher
  readonly logger: Logger
}
