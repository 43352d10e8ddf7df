import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { V1PodSpec } from '@kubernetes/client-node'
import { find, type KubernetesObject, type PodTemplate, podTemplates } from './render.ts'

const launcherFile = '/etc/kappa/launcher/kubernetes.yaml'

/**
 * The variables that a service gets in its pod. Files that they name are written to a folder.
 * @param secrets contents by the file's name; of others any text
 * @throws AssertionError a variable names a file that nothing is mounted at
 */
export function serviceEnvironment(
  objects: readonly KubernetesObject[],
  service: string,
  folder: string,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  const settings = find(objects, `ConfigMap kappa-${service}`).data as Record<string, string>
  const { spec } = podOf(objects, service)
  const mounted = secretFiles(spec)
  const ofPod = (spec.containers[0]?.env ?? []).filter(({ valueFrom }) => valueFrom?.fieldRef)
  const environment: Record<string, string> = {
    KAPPA_SCHEMAS_FOLDER: '/opt/kappa/schemas',
    KAPPA_APPLICATIONS_FOLDER: '/opt/kappa/applications',
    ...settings,
    ...Object.fromEntries(ofPod.map(({ name }) => [name, 'of the pod'])),
  }
  for (const [name, path] of Object.entries(settings)) {
    if (!name.endsWith('_FILE')) continue
    const isLauncher = path === launcherFile
    assert.ok(isLauncher || mounted.includes(path), `${service}: nothing is mounted at ${path}`)
    const file = join(folder, basename(path))
    const secret = secrets[basename(path)] ?? 'secret'
    writeFileSync(file, isLauncher ? launcherSettings(objects) : secret)
    environment[name] = file
  }
  return environment
}

function podOf(objects: readonly KubernetesObject[], service: string): PodTemplate {
  const [pod] = podTemplates([find(objects, `Deployment kappa-${service}`)])
  assert.ok(pod)
  return pod
}

function secretFiles({ volumes = [] }: V1PodSpec): string[] {
  return volumes
    .flatMap(({ projected }) => projected?.sources ?? [])
    .flatMap(({ secret }) => secret?.items ?? [])
    .map(({ path }) => `/etc/kappa/secrets/${path}`)
}

/** The settings file of the Kubernetes launcher. */
export function launcherSettings(objects: readonly KubernetesObject[]): string {
  const data = find(objects, 'ConfigMap kappa-launcher').data as Record<string, string>
  return data['kubernetes.yaml'] ?? ''
}
