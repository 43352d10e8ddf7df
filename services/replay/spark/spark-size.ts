import type { SparkSize } from '@kappa/applications/definition'

/** @param memory as in a definition: `1536m`, `2g` */
export function megabytes(memory: string): number {
  return Number.parseInt(memory, 10) * (memory.endsWith('g') ? 1024 : 1)
}

/** Most tasks that run at the same time, however far the cluster grows. */
export function tasksMax({ cores, executors = 1, executorsMax = executors }: SparkSize): number {
  return cores * Math.max(executors, executorsMax)
}
