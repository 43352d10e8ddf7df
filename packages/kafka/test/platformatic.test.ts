import { testStack } from '@kappa/test/stack'
import { connectKafkaJs } from '../src/kafkajs/kafka.ts'
import { connectPlatformatic } from '../src/platformatic/kafka.ts'
import { adminConformance } from './conformance/admin.ts'
import { consumerConformance } from './conformance/consumer.ts'
import { faultConformance } from './conformance/faults.ts'
import type { Harness } from './conformance/harness.ts'
import { producerConformance } from './conformance/producer.ts'
import { readingConformance } from './conformance/reading.ts'
import { transactionConformance } from './conformance/transactions.ts'

const harness: Harness = {
  brokers: testStack().kafkaBrokers.split(','),
  connect: connectPlatformatic,
  connectAuditor: connectKafkaJs,
}

adminConformance('platformatic', harness)
producerConformance('platformatic', harness)
readingConformance('platformatic', harness)
transactionConformance('platformatic', harness)
consumerConformance('platformatic', harness)
faultConformance('platformatic', harness)
