import { testStack } from '@kappa/test/stack'
import { connectKafkaJs } from '../src/kafkajs/kafka.ts'
import { adminConformance } from './conformance/admin.ts'
import { consumerConformance } from './conformance/consumer.ts'
import type { Harness } from './conformance/harness.ts'
import { producerConformance } from './conformance/producer.ts'
import { readingConformance } from './conformance/reading.ts'
import { transactionConformance } from './conformance/transactions.ts'

const harness: Harness = { brokers: testStack().kafkaBrokers.split(','), connect: connectKafkaJs }

adminConformance('kafkajs', harness)
producerConformance('kafkajs', harness)
readingConformance('kafkajs', harness)
transactionConformance('kafkajs', harness)
consumerConformance('kafkajs', harness)
