/**
 * HEALTHCHECK of the services' image: succeeds while the service says that it is ready. Runs every few
 * seconds, so it does without an HTTP client, whose loading would take most of its time.
 */
import { connect } from 'node:net'

const answerTimeoutMs = 4_000

const port = Number(process.env.KAPPA_HTTP_PORT)
if (!(port > 0)) {
  console.error('KAPPA_HTTP_PORT names no port: where the service listens is not known.')
  process.exit(1)
}
let answer = ''
const socket = connect({ host: '127.0.0.1', port, timeout: answerTimeoutMs })
socket.setEncoding('utf8')
socket.on('connect', () => socket.write('GET /health/ready HTTP/1.0\r\n\r\n'))
socket.on('data', (text: string) => {
  answer += text
})
socket.on('timeout', () => socket.destroy(new Error(`No answer within ${answerTimeoutMs} ms.`)))
socket.on('error', (error) => {
  console.error(error.message)
})
socket.on('close', () => {
  const [head = '', body] = answer.split('\r\n\r\n')
  const isReady = /^HTTP\/1\.\d 200 /.test(head)
  if (!isReady && body !== undefined) console.error(body)
  process.exitCode = isReady ? 0 : 1
})
