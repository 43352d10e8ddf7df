/**
 * The `restricted` profile of the Pod Security Standards, as documented for Kubernetes 1.37:
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 * Only Linux pods are judged. Where a newer version of the profile is stricter, that one holds.
 */

type Maybe<T> = T | undefined

interface Profile {
  readonly type?: Maybe<string>
}

interface Security {
  readonly runAsNonRoot?: Maybe<boolean>
  readonly runAsUser?: Maybe<number>
  readonly seccompProfile?: Maybe<Profile>
  readonly appArmorProfile?: Maybe<Profile>
  readonly seLinuxOptions?: Maybe<{
    readonly type?: Maybe<string>
    readonly user?: Maybe<string>
    readonly role?: Maybe<string>
  }>
  readonly windowsOptions?: Maybe<{ readonly hostProcess?: Maybe<boolean> }>
}

interface ContainerSecurity extends Security {
  readonly privileged?: Maybe<boolean>
  readonly allowPrivilegeEscalation?: Maybe<boolean>
  readonly procMount?: Maybe<string>
  readonly capabilities?: Maybe<{
    readonly add?: Maybe<readonly string[]>
    readonly drop?: Maybe<readonly string[]>
  }>
}

interface Handler {
  readonly httpGet?: Maybe<{ readonly host?: Maybe<string> }>
  readonly tcpSocket?: Maybe<{ readonly host?: Maybe<string> }>
}

interface Container {
  readonly name: string
  readonly securityContext?: Maybe<ContainerSecurity>
  readonly ports?: Maybe<readonly { readonly hostPort?: Maybe<number> }[]>
  readonly livenessProbe?: Maybe<Handler>
  readonly readinessProbe?: Maybe<Handler>
  readonly startupProbe?: Maybe<Handler>
  readonly lifecycle?: Maybe<{
    readonly postStart?: Maybe<Handler>
    readonly preStop?: Maybe<Handler>
  }>
}

/** What the profile looks at in a pod's `spec`; `V1PodSpec` of the Kubernetes client is one. */
export interface PodSpec {
  readonly hostNetwork?: Maybe<boolean>
  readonly hostPID?: Maybe<boolean>
  readonly hostIPC?: Maybe<boolean>
  readonly securityContext?: Maybe<
    Security & { readonly sysctls?: Maybe<readonly { readonly name: string }[]> }
  >
  readonly containers: readonly Container[]
  readonly initContainers?: Maybe<readonly Container[]>
  readonly ephemeralContainers?: Maybe<readonly Container[]>
  readonly volumes?: Maybe<readonly { readonly name: string }[]>
}

export interface PodMetadata {
  readonly annotations?: Maybe<Readonly<Record<string, string>>>
}

const volumeTypes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  // Not in the document's list, and admitted by Kubernetes (tried on 1.36).
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

const sysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]

const seLinuxTypes = [
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]

const seccompTypes = ['RuntimeDefault', 'Localhost']
const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'

/** What a namespace that enforces the profile would refuse the pod for, each with its field; empty: nothing. */
export function restrictedProfileViolations(spec: PodSpec, metadata: PodMetadata = {}): string[] {
  const pod = spec.securityContext ?? {}
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap(
    (kind) => (spec[kind] ?? []).map((container) => ({ kind, container })),
  )
  return [
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const)
      .filter((name) => spec[name] === true)
      .map((name) => `${name} is true`),
    ...violationsOfVolumes(spec),
    ...violationsOfAnnotations(metadata),
    ...(pod.sysctls ?? [])
      .filter(({ name }) => !sysctls.includes(name))
      .map(({ name }) => `securityContext.sysctls sets ${name}`),
    ...violationsOfSecurity(pod).map((text) => `securityContext.${text}`),
    ...(containers.length === 0 ? ['containers is empty'] : []),
    ...containers.flatMap(({ kind, container }) =>
      violationsOfContainer(container, pod).map((text) => `${kind}.${container.name}: ${text}`),
    ),
  ]
}

function violationsOfVolumes(spec: PodSpec): string[] {
  return (spec.volumes ?? []).flatMap(({ name, ...source }) =>
    Object.entries(source)
      .filter(([type, value]) => value !== undefined && !volumeTypes.includes(type))
      .map(([type]) => `volumes.${name} is of type ${type}`),
  )
}

function violationsOfAnnotations({ annotations }: PodMetadata): string[] {
  return Object.entries(annotations ?? {})
    .filter(([name, value]) => {
      const isAllowed = value === 'runtime/default' || value.startsWith('localhost/')
      return name.startsWith(appArmorAnnotation) && value !== '' && !isAllowed
    })
    .map(([name, value]) => `annotation ${name} is ${value}`)
}

/** What may neither be in the pod's security context nor in a container's. */
function violationsOfSecurity(security: Security): string[] {
  const { seLinuxOptions = {}, seccompProfile, appArmorProfile } = security
  const violations: string[] = []
  if (security.windowsOptions?.hostProcess === true)
    violations.push('windowsOptions.hostProcess is true')
  if (security.runAsNonRoot === false) violations.push('runAsNonRoot is false')
  if (security.runAsUser === 0) violations.push('runAsUser is 0')
  if (seccompProfile !== undefined && !seccompTypes.includes(seccompProfile.type ?? ''))
    violations.push(`seccompProfile.type is ${seccompProfile.type}`)
  const appArmor = appArmorProfile?.type
  if (appArmor !== undefined && !seccompTypes.includes(appArmor))
    violations.push(`appArmorProfile.type is ${appArmor}`)
  if (!seLinuxTypes.includes(seLinuxOptions.type ?? ''))
    violations.push(`seLinuxOptions.type is ${seLinuxOptions.type}`)
  if ((seLinuxOptions.user ?? '') !== '') violations.push('seLinuxOptions.user is set')
  if ((seLinuxOptions.role ?? '') !== '') violations.push('seLinuxOptions.role is set')
  return violations
}

function violationsOfContainer(container: Container, pod: Security): string[] {
  const security = container.securityContext ?? {}
  const { add = [], drop = [] } = security.capabilities ?? {}
  const violations = violationsOfSecurity(security)
  const refuseIf = (isViolated: boolean, text: string) => {
    if (isViolated) violations.push(text)
  }
  refuseIf(security.privileged === true, 'privileged is true')
  refuseIf(
    security.allowPrivilegeEscalation !== false,
    'allowPrivilegeEscalation must be set to false',
  )
  refuseIf((security.runAsNonRoot ?? pod.runAsNonRoot) !== true, 'runAsNonRoot must be set to true')
  refuseIf(
    (security.seccompProfile ?? pod.seccompProfile) === undefined,
    'seccompProfile must be set to RuntimeDefault or Localhost',
  )
  refuseIf(!drop.includes('ALL'), 'capabilities.drop must hold ALL')
  const added = add.filter((name) => name !== 'NET_BIND_SERVICE')
  refuseIf(added.length > 0, `capabilities.add holds ${added.join(', ')}`)
  refuseIf(
    (security.procMount ?? 'Default') !== 'Default',
    `procMount is ${security.procMount ?? ''}`,
  )
  refuseIf(
    (container.ports ?? []).some(({ hostPort }) => (hostPort ?? 0) !== 0),
    'ports has a hostPort',
  )
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  const handlers = {
    livenessProbe,
    readinessProbe,
    startupProbe,
    'lifecycle.postStart': lifecycle?.postStart,
    'lifecycle.preStop': lifecycle?.preStop,
  }
  for (const [name, handler] of Object.entries(handlers)) {
    const host = handler?.httpGet?.host ?? handler?.tcpSocket?.host ?? ''
    refuseIf(host !== '', `${name} asks the host ${host}`)
  }
  return violations
}
