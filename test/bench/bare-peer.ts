import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Bench } from './bench-stack.ts'

const REDIS_DATABASE = 15

/** The peer of lookups: fastify and one GET of Redis, over the same bytes. */
export async function startBareServer({ stack }: Bench, bodies: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BENCH_REDIS_URL: `${stack.redisUrl}/${REDIS_DATABASE}`,
      BENCH_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
    },
  })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify(bodies))
  for await (const url of createInterface({ input: child.stdout })) {
    return {
      url,
      async stop() {
        child.kill('SIGTERM')
        await exited
      },
    }
  }
  throw new Error('The bare server ended without listening.')
}
