/** HEALTHCHECK of the services' image: succeeds while the service says that it is ready. */
const answerTimeoutMs = 4_000

const port = process.env.KAPPA_HTTP_PORT
if (port === undefined) {
  console.error(
    'KAPPA_HTTP_PORT is not set: the health of a service without a fixed port is unknown.',
  )
  process.exit(1)
}
try {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, {
    signal: AbortSignal.timeout(answerTimeoutMs),
  })
  if (!answer.ok) console.error(await answer.text())
  process.exitCode = answer.ok ? 0 : 1
} catch (error) {
  console.error(String(error instanceof Error ? (error.cause ?? error) : error))
  process.exitCode = 1
}
