/**
 * The least that a lookup can be: fastify and one GET of Redis; and the least that one can be which
 * says what its row is of: the row with its offset, and the pointer to the live release. Takes the
 * bodies as a JSON array on its input, says its URL on its output.
 */
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fastify } from 'fastify'
import { Redis } from 'ioredis'

const bodies: string[] = JSON.parse(await text(process.stdin))
const redis = new Redis(process.env.BENCH_REDIS_URL ?? '', {
  password: readFileSync(process.env.BENCH_REDIS_PASSWORD_FILE ?? '', 'utf8').trim(),
})
const token = 'x'.repeat(80)
await redis.hset('rows', 'next', '1')
await redis.hset('pointer', 'epoch', '1', 'release', '1', 'told', token)
for (const [index, body] of bodies.entries()) {
  await redis.set(`row:${index}`, body)
  await redis.hset('rows', String(index), body)
}

const http = fastify()
const type = 'application/json; charset=utf-8'
http.get<{ Params: { row: string } }>('/rows/:row', async (request, reply) => {
  const body = await redis.get(`row:${request.params.row}`)
  return reply.type(type).send(body)
})
http.get<{ Params: { row: string } }>('/answers/:row', async (request, reply) => {
  const [[next, body], [epoch, release, told]] = (await Promise.all([
    redis.hmget('rows', 'next', request.params.row),
    redis.hmget('pointer', 'epoch', 'release', 'told'),
  ])) as [string[], string[]]
  reply.headers({
    'kappa-release': release,
    'kappa-position': told,
    'kappa-freshness-ms': '0',
    'kappa-as-of': '2026-01-01T00:00:00.000Z',
    etag: `W/"${epoch}-${next}"`,
  })
  return reply.type(type).send(body)
})
console.log(await http.listen({ host: '127.0.0.1', port: 0 }))
process.once('SIGTERM', () => process.exit())
