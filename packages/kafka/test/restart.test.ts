import { after, before } from 'node:test'
import { connectKafkaJs } from '../src/kafkajs/kafka.ts'
import { connectPlatformatic } from '../src/platformatic/kafka.ts'
import { restartConformance } from './conformance/restart.ts'
import { RestartableKafka } from './restartable-kafka.ts'

let broker: RestartableKafka
before(async () => {
  broker = await RestartableKafka.start()
})
after(() => broker?.stop())

restartConformance(
  {
    kafkajs: { connect: connectKafkaJs, connectAuditor: connectPlatformatic },
    platformatic: { connect: connectPlatformatic, connectAuditor: connectKafkaJs },
  },
  () => broker,
)
