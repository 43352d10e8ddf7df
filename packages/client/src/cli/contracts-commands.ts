import { readFile, writeFile } from 'node:fs/promises'
import { checkContracts } from '@kappa/contracts/check-contracts'
import { ContractError, describeProblem } from '@kappa/contracts/errors'
import { loadContracts } from '@kappa/contracts/load'
import { typescriptTypes } from '@kappa/contracts/typescript-types'
import { type Command, exitCodes, type Io, UsageError } from './command.ts'

const folderDefault = 'schemas'
const contractsArguments = { arguments: '[folder]', argumentsMin: 0, argumentsMax: 1 } as const

export const checkContractsCommand: Command = {
  name: 'contracts check',
  ...contractsArguments,
  summary: 'check contracts and how their versions follow each other',
  description: `Checks the files of a folder (default: ${folderDefault}), each topic's compatibility between its
versions and, with --against, that nothing changed that events in the log depend on.`,
  options: {
    against: {
      type: 'string',
      value: '<state>',
      summary: 'what was published: another folder, or git:<revision> as in git:origin/main',
    },
  },
  examples: ['kappa contracts check', 'kappa contracts check schemas --against git:origin/main'],
  async run({ positionals: [folder = folderDefault], options, io }) {
    const against = options.text('against')
    const { contracts, problems, versionsCompared } = await checkContracts(
      folder,
      against === undefined ? {} : { against },
    )
    for (const problem of problems) io.stderr.write(`${describeProblem(problem)}\n`)
    const compared =
      against === undefined ? '' : `, ${versionsCompared} versions compared with ${against}`
    if (problems.length > 0) {
      const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
      io.stderr.write(`${count} in ${folder}${compared}.\n`)
      return exitCodes.failed
    }
    const versions = contracts.reduce((sum, contract) => sum + contract.versions.length, 0)
    io.stdout.write(
      `${folder}: ${contracts.length} topics, ${versions} versions, no problem${compared}.\n`,
    )
    return exitCodes.done
  },
}

export const typesCommand: Command = {
  name: 'contracts types',
  ...contractsArguments,
  summary: 'write TypeScript types of what may be published',
  description: `The module exports an interface for each topic and \`Topics\`, for new Publisher<Topics>({ url }).`,
  options: {
    out: { type: 'string', short: 'o', value: '<file>', summary: 'write there, not to the output' },
    check: {
      type: 'boolean',
      summary: 'with --out: only tell whether the file is up to date (0 or 1)',
    },
  },
  examples: ['kappa contracts types --out src/topics.ts'],
  async run({ positionals: [folder = folderDefault], options, io }) {
    const out = options.text('out')
    if (options.flag('check') && out === undefined) throw new UsageError('--check goes with --out')
    const text = await typesOf(folder, io)
    if (text === undefined) return exitCodes.failed
    if (out === undefined) {
      io.stdout.write(text)
      return exitCodes.done
    }
    if (options.flag('check')) {
      if ((await readFile(out, 'utf8').catch(() => undefined)) === text) return exitCodes.done
      io.stderr.write(
        `${out} is not what the contracts in ${folder} give; run it without --check.\n`,
      )
      return exitCodes.failed
    }
    await writeFile(out, text)
    return exitCodes.done
  },
}

async function typesOf(folder: string, io: Io): Promise<string | undefined> {
  try {
    return typescriptTypes(await loadContracts(folder))
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    io.stderr.write(`${error.message}\n`)
    return undefined
  }
}
