import { after, before } from 'node:test'
import { SecuredKafka } from '@kappa/test/kafka-cluster/secured-kafka'
import { connectKafkaJs } from '../src/kafkajs/kafka.ts'
import { connectPlatformatic } from '../src/platformatic/kafka.ts'
import { securityConformance } from './conformance/security.ts'

let broker: SecuredKafka
before(async () => {
  broker = await SecuredKafka.start()
})
after(() => broker?.stop())

securityConformance('kafkajs', connectKafkaJs, () => broker)
securityConformance('platformatic', connectPlatformatic, () => broker)
