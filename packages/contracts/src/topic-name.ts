const legal = /^[A-Za-z0-9._-]+$/
const lengthMax = 249

/**
 * Kafka's rules for names of topics (`Topic.validate`), and those of Kappa: `kappa.` and `__` are
 * taken. Kafka's metrics write `.` as `_`, so names that differ only there are refused, as Kafka does.
 */
export function checkTopicNames(
  topics: readonly string[],
  report: (topic: string, message: string) => void,
): void {
  const folded = new Map<string, string>()
  for (const topic of topics) {
    const wrong = wrongTopicName(topic)
    if (wrong !== undefined) report(topic, wrong)
    const metric = topic.replaceAll('.', '_')
    const other = folded.get(metric)
    if (other !== undefined) {
      report(topic, `Kafka cannot tell the topics "${other}" and "${topic}" apart in its metrics`)
    }
    folded.set(metric, topic)
  }
}

function wrongTopicName(topic: string): string | undefined {
  if (!legal.test(topic)) {
    return `the folder's name is the topic: letters, digits, ".", "_" and "-"; got "${topic}"`
  }
  if (topic.length > lengthMax) return `a topic's name has at most ${lengthMax} characters`
  if (topic.startsWith('kappa.') || topic.startsWith('__')) {
    return `topics that begin with "kappa." or "__" are taken: rename "${topic}"`
  }
  return undefined
}
