import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { sendError } from '@kappa/service/http-errors'
import type { JobQueue } from './job-queue.ts'

const path = '/queues'

/** The page asks another site for its font; with this it asks nobody but us. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Shows the jobs at `/queues`, for reading only: what is done next is for the control log to say. To
 * be called before the server listens.
 */
export async function mountQueueBoard(http: Http, queue: JobQueue): Promise<void> {
  const board = new FastifyAdapter().setBasePath(path)
  createBullBoard({
    queues: [new BullMQAdapter(queue.bull, { readOnlyMode: true })],
    serverAdapter: board,
    options: {
      uiConfig: {
        boardTitle: 'Kappa replay',
        hideDocsLink: true,
        hideRedisDetails: true,
        pollingInterval: { forceInterval: 5 },
      },
    },
  })
  await http.register(
    async (scope) => {
      scope.addHook('onRequest', async (request, reply) => {
        reply.header('content-security-policy', contentSecurityPolicy)
        if (request.method === 'GET') return
        const message = `The board is for reading: ${request.method} ${request.url} is refused. Jobs follow from what is asked at /v1.`
        sendError(reply, new ServiceError('method_not_allowed', message))
        return reply
      })
      await scope.register(board.registerPlugin())
    },
    { prefix: path },
  )
}
