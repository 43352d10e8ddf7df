import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { restrictedProfileViolations } from '../kubernetes/restricted-profile.ts'
import { askPython } from '../python.ts'
import {
  type Helm,
  helms,
  type KubernetesObject,
  nameOf,
  namespace,
  type PodTemplate,
  podTemplates,
  render,
} from './render.ts'
import { matrix } from './values.ts'

const kubernetesVersions = ['1.31', '1.32', '1.33', '1.34', '1.35', '1.36', '1.37']
/** Of the Prometheus operator and the Gateway API. */
const kindsOfOthers = ['HTTPRoute', 'PrometheusRule', 'ServiceMonitor']
/** Its Roles and NetworkPolicies are made by somebody else. */
const refusesNothing: keyof typeof matrix = 'users given by the cluster'
const validationTimeoutMs = 300_000

type Rules = readonly {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}[]

interface Policy extends KubernetesObject {
  readonly spec: {
    readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly policyTypes: readonly string[]
    readonly ingress?: readonly unknown[]
    readonly egress?: readonly unknown[]
  }
}

for (const [name, values] of Object.entries(matrix)) {
  describe(`The chart, ${name}`, () => {
    let objects: KubernetesObject[] = []
    let pods: PodTemplate[] = []
    before(async () => {
      objects = await render(values)
      pods = podTemplates(objects)
      const services = ['ingest', 'replay', 'results'].map((each) => `Deployment kappa-${each}`)
      for (const service of services) assert.ok(pods.some(({ owner }) => owner === service))
    })

    test('Kubernetes 1.31 to 1.37 know every field', async () => {
      const { problems, unknown } = await askPython<{ problems: string[]; unknown: string[] }>(
        'validate_manifests',
        { versions: kubernetesVersions, objects },
        { timeoutMs: validationTimeoutMs },
      )
      assert.deepEqual(problems, [])
      const known = objects.filter(({ kind }) => !kindsOfOthers.includes(kind))
      assert.deepEqual(
        unknown.filter((kind) => !kindsOfOthers.includes(kind)),
        [],
      )
      assert.ok(known.length > 10)
    })

    test('no two objects have one name, and all but those of the cluster have a namespace', () => {
      const names = objects.map((each) => `${each.metadata.namespace}/${nameOf(each)}`)
      assert.deepEqual(names, [...new Set(names)])
      for (const each of objects.filter(({ metadata }) => metadata.namespace === undefined)) {
        assert.ok(['PriorityClass', 'Namespace'].includes(each.kind), nameOf(each))
      }
    })

    test('every pod keeps to the restricted profile, and to what else is wanted of it', () => {
      for (const { owner, metadata, spec } of pods) {
        assert.deepEqual(restrictedProfileViolations(spec, metadata), [], owner)
        assert.equal(spec.enableServiceLinks, false, owner)
        const needsApi = owner === 'Deployment kappa-replay'
        assert.equal(spec.automountServiceAccountToken, needsApi, owner)
        for (const container of spec.containers) {
          assert.equal(container.securityContext?.readOnlyRootFilesystem, true, owner)
          assert.ok(container.resources?.requests?.memory, `${owner} requests no memory`)
          assert.ok(container.resources?.limits?.memory, `${owner} has no bound on its memory`)
          assert.doesNotMatch(container.image ?? '', /:latest$|^[^:@]+$/, owner)
        }
      }
    })

    test('no secret is anywhere but in a Secret', () => {
      const secrets = objects
        .filter(({ kind }) => kind === 'Secret')
        .flatMap(({ stringData }) => Object.values(stringData as Record<string, string>))
      const passwords = secrets.flatMap((text) => text.match(/[A-Za-z0-9]{20,}/g) ?? [])
      const rest = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'))
      for (const password of passwords) assert.ok(!rest.includes(password))
      const variables = pods.flatMap(({ spec }) => spec.containers.flatMap(({ env = [] }) => env))
      const fromSecrets = variables.filter(({ valueFrom }) => valueFrom?.secretKeyRef)
      assert.deepEqual(fromSecrets, [])
    })

    test('only replay and the drivers that it starts may create pods, in the namespaces of releases', () => {
      const kinds = new Set(objects.map(({ kind }) => kind))
      assert.ok(!kinds.has('ClusterRole') && !kinds.has('ClusterRoleBinding'))
      const creators: string[] = []
      for (const role of objects.filter(({ kind }) => kind === 'Role')) {
        const rules = role.rules as Rules
        const texts = rules.flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs])
        assert.ok(!texts.includes('*'), nameOf(role))
        const creates = rules.some(
          ({ resources, verbs }) => resources.includes('pods') && verbs.includes('create'),
        )
        if (creates) creators.push(...subjectsOf(objects, role))
      }
      const isApart = 'namespacePerApplication' in values
      const places = objects.filter(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'kappa-releases',
      )
      const namespaces = places.map(({ metadata }) => metadata.namespace ?? '')
      assert.equal(namespaces.includes(namespace), !isApart)
      if (name === refusesNothing) {
        assert.deepEqual(creators, [])
        return
      }
      assert.deepEqual(
        creators.sort(),
        namespaces
          .flatMap((each) => [`${each}: ${namespace}/kappa-replay`, `${each}: ${each}/kappa-spark`])
          .sort(),
      )
    })

    test('replay may list no Secret, and change no pod but in its status', () => {
      const roles = objects.filter(({ kind }) => kind === 'Role')
      const ofReplay = roles.filter((role) =>
        subjectsOf(objects, role).some((subject) => subject.endsWith('/kappa-replay')),
      )
      const rights = ofReplay.map(({ metadata, rules }) => [
        metadata.name,
        rightsOf(rules as Rules),
      ])
      if (name === refusesNothing) {
        assert.deepEqual(rights, [])
        return
      }
      assert.deepEqual(Object.fromEntries(rights), {
        'kappa-replay': ['leases kappa-replay: get, update', 'pods/status: patch'],
        'kappa-launcher': [
          'pods: list, watch, create, delete',
          'pods/log: get',
          'secrets: create, delete',
          'configmaps: list, create, delete',
          'services: list, create, delete',
          'configmaps kappa-releases: get, patch',
        ],
      })
    })

    test('namespaces stay when the chart goes, with whatever else they hold', () => {
      const namespaces = objects.filter(({ kind }) => kind === 'Namespace')
      assert.equal(namespaces.length > 0, 'namespacePerApplication' in values)
      for (const each of namespaces) {
        assert.equal(each.metadata.annotations?.['helm.sh/resource-policy'], 'keep', nameOf(each))
      }
    })

    test('nothing is exposed beyond the cluster unless the values say so', () => {
      for (const each of objects.filter(({ kind }) => kind === 'Service')) {
        assert.equal((each.spec as { type: string }).type, 'ClusterIP')
      }
      const exposing = objects.filter(({ kind }) => ['Ingress', 'HTTPRoute'].includes(kind))
      assert.equal(exposing.length, name === 'everything' ? 4 : 0)
      for (const each of exposing.filter(({ kind }) => kind === 'Ingress')) {
        assert.ok((each.spec as { tls?: unknown }).tls, nameOf(each))
      }
    })

    test('whatever pod has no policy of its own has no network', () => {
      const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy') as Policy[]
      if (name === refusesNothing) {
        assert.deepEqual(policies, [])
        return
      }
      const own = policies.filter(({ metadata }) => metadata.namespace === namespace)
      const denies = own.filter(({ spec }) => !spec.ingress && !spec.egress)
      for (const { owner, metadata } of pods) {
        assert.ok(
          denies.some((policy) => selects(policy, metadata.labels)),
          owner,
        )
      }
      for (const policy of policies)
        assert.deepEqual(policy.spec.policyTypes, ['Ingress', 'Egress'])
    })

    test('Helm 3 and Helm 4 make the same of it', async () => {
      const versions = Object.keys(helms) as Helm[]
      const [four, three] = await Promise.all(
        versions.map(async (version) => {
          const all = version === 'Helm 4' ? objects : await render(values, { version })
          // Secrets are generated anew each time.
          return new Map(
            all
              .filter(({ kind }) => kind !== 'Secret')
              .map((each) => [`${each.metadata.namespace}/${nameOf(each)}`, each]),
          )
        }),
      )
      assert.deepEqual(three, four)
    })
  })
}

function subjectsOf(objects: readonly KubernetesObject[], role: KubernetesObject): string[] {
  return objects
    .filter(
      (each) =>
        each.kind === 'RoleBinding' &&
        each.metadata.namespace === role.metadata.namespace &&
        (each.roleRef as { name: string }).name === role.metadata.name,
    )
    .flatMap(({ subjects }) =>
      (subjects as { name: string; namespace: string }[]).map(
        (subject) => `${role.metadata.namespace}: ${subject.namespace}/${subject.name}`,
      ),
    )
}

/** `resource[ name]: verbs` */
function rightsOf(rules: Rules): string[] {
  return rules.flatMap(({ resources, resourceNames = [], verbs }) =>
    resources.map((resource) => `${[resource, ...resourceNames].join(' ')}: ${verbs.join(', ')}`),
  )
}

function selects(policy: Policy, labels: Readonly<Record<string, string>> = {}): boolean {
  const wanted = Object.entries(policy.spec.podSelector.matchLabels ?? {})
  return wanted.every(([name, value]) => labels[name] === value)
}
