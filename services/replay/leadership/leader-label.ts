import { type KubernetesApi, mergePatch, orUndefined } from '../kubernetes/kubernetes-api.ts'

/** The Service of replay selects on it. */
const LEADER = 'kappa.dev/leader'

/** Says of a pod whether requests go to it; one that is gone needs no word. */
export async function labelLeader(
  { core }: KubernetesApi,
  { name, namespace }: { name: string; namespace: string },
  leads: boolean,
): Promise<void> {
  const body = { metadata: { labels: { [LEADER]: leads ? 'true' : null } } }
  await orUndefined(core.patchNamespacedPod({ name, namespace, body }, mergePatch))
}
