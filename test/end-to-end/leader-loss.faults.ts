import { test } from 'node:test'
import { EVERY_PARTITION, loseLeaders } from '../faults/leader-loss.ts'
import { KafkaCluster } from '../kafka-cluster/kafka-cluster.ts'

test("P1, P3: nothing that was acknowledged is lost when every partition's leader dies in turn", async () => {
  const cluster = await KafkaCluster.start()
  try {
    await loseLeaders(cluster, EVERY_PARTITION)
  } finally {
    await cluster.stop()
  }
})
