import { test } from 'node:test'
import { loseLeaders } from '../faults/leader-loss.ts'
import { KafkaCluster } from '../kafka-cluster/kafka-cluster.ts'

// Every partition's leader in turn: npm run test:faults.
test('P1, P3: nothing that was acknowledged is lost with the leader of a partition', async () => {
  const cluster = await KafkaCluster.start()
  try {
    await loseLeaders(cluster, 1)
  } finally {
    await cluster.stop()
  }
})
