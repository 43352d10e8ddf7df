/** The brokers of the running test stack. */
export function kafkaBrokers(): readonly string[] {
  const text = process.env.KAPPA_TEST_STACK
  if (!text) {
    throw new Error(
      'KAPPA_TEST_STACK is not set: run the tests with "npm test", which starts Kafka',
    )
  }
  const { kafkaBrokers: brokers } = JSON.parse(text) as { kafkaBrokers: string | string[] }
  return Array.isArray(brokers) ? brokers : brokers.split(',')
}
