/** Run by leftovers.test.ts, which kills it: starts a stack and prints the pids of its parts. */
import { startStack } from '../stack.ts'

const stack = await startStack({ stateFolder: process.argv[2] ?? '' })
process.stdout.write(`${JSON.stringify(stack.children.map(({ pid }) => pid))}\n`)
