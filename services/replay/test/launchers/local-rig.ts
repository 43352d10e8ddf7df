import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { signalProcess } from '@kappa/processes/signal-process'
import { testStack } from '@kappa/test/stack'
import { LocalLauncher } from '../../launchers/local/local-launcher.ts'
import { readableByOthers } from './files-of-others.ts'
import type { LauncherRig, ReleaseName } from './launcher-rig.ts'
import { javaProcesses } from './processes.ts'
import { storeOfStack } from './store-of-stack.ts'

/** Processes of this machine, found by what they were started with. */
export async function localRig(): Promise<LauncherRig> {
  const { java, sparkJarsFolder, sparkArchiveFile, stateFolder } = testStack()
  const workFolder = join(stateFolder, 'local-launcher')
  const folderOf = ({ application, release }: ReleaseName) =>
    join(workFolder, `${application}-${release}`)
  const processesOf = (release: ReleaseName) =>
    javaProcesses(join(folderOf(release), 'spark.properties'))
  const running = async (release: ReleaseName) =>
    processesOf(release).map(({ pid, startTime }) => `process ${pid} of ${startTime}`)
  return {
    launcher: () =>
      new LocalLauncher({
        java,
        jarsFolder: sparkJarsFolder,
        workFolder,
        archiveFile: sparkArchiveFile,
        stopTimeoutMs: 10_000,
      }),
    size: { cores: 1, memory: '512m', executors: 1 },
    objectStore: storeOfStack(),
    startTimeoutMs: 120_000,
    running,
    async leftovers(release) {
      const folder = folderOf(release)
      return [...(await running(release)), ...(existsSync(folder) ? [folder] : [])]
    },
    async visible(release) {
      const texts = processesOf(release).flatMap(({ pid }) =>
        ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')),
      )
      return [...texts, ...readableByOthers(folderOf(release))].join('\n')
    },
    async kill(release) {
      for (const { pid } of processesOf(release)) signalProcess(pid, 'SIGKILL')
    },
    async priority(release) {
      return -Math.max(...processesOf(release).map(({ pid }) => getPriority(pid)))
    },
    starved: {
      memory: '24m',
      reason: /ran out of its heap of 24m: give it more, with spark\.memory/,
    },
  }
}
