import type { ChildFolders } from './child.ts'

/** What each component is given to start in. */
export interface ComponentContext {
  readonly folders: ChildFolders
  /** Where the component keeps its data, made when it starts. */
  readonly dataFolder: string
  /** Where its configuration is written; may hold secrets. */
  readonly configFolder: string
  /** Aborted when the stack is to stop on its way up. */
  readonly signal?: AbortSignal
}
