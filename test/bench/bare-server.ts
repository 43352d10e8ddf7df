/**
 * The least that a lookup can be: fastify and one GET of Redis. Takes the bodies as a JSON array on
 * its input, says its URL on its output.
 */
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fastify } from 'fastify'
import { Redis } from 'ioredis'

const bodies: string[] = JSON.parse(await text(process.stdin))
const redis = new Redis(process.env.BENCH_REDIS_URL ?? '', {
  password: readFileSync(process.env.BENCH_REDIS_PASSWORD_FILE ?? '', 'utf8').trim(),
})
for (const [index, body] of bodies.entries()) await redis.set(`row:${index}`, body)

const http = fastify()
http.get<{ Params: { row: string } }>('/rows/:row', async (request, reply) => {
  const body = await redis.get(`row:${request.params.row}`)
  return reply.type('application/json; charset=utf-8').send(body)
})
console.log(await http.listen({ host: '127.0.0.1', port: 0 }))
process.once('SIGTERM', () => process.exit())
