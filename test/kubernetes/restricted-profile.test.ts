import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PodSpec, restrictedProfileViolations } from './restricted-profile.ts'

const container = {
  name: 'service',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}
const allowed: PodSpec = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [container],
  volumes: [volume('settings', { configMap: { name: 'settings' } })],
}

function volume(name: string, source: object): { name: string } {
  return { name, ...source }
}

/** The allowed pod with one container that has more, or other, fields. */
function withContainer(fields: object, security: object = {}): PodSpec {
  const securityContext = { ...container.securityContext, ...security }
  return { ...allowed, containers: [{ ...container, securityContext, ...fields }] }
}

function withPod(security: object): PodSpec {
  return { ...allowed, securityContext: { ...allowed.securityContext, ...security } }
}

test('a pod that asks for nothing is in the profile, whether the pod or each container says so', () => {
  assert.deepEqual(restrictedProfileViolations(allowed), [])
  const each = withContainer({}, allowed.securityContext)
  assert.deepEqual(restrictedProfileViolations({ ...each, securityContext: {} }), [])
})

test('every rule of the profile refuses what breaks it, with the field', () => {
  const broken: [PodSpec, RegExp][] = [
    [{ ...allowed, hostNetwork: true }, /^hostNetwork/],
    [{ ...allowed, hostPID: true }, /^hostPID/],
    [{ ...allowed, hostIPC: true }, /^hostIPC/],
    [
      { ...allowed, volumes: [volume('data', { hostPath: { path: '/' } })] },
      /volumes\.data.*hostPath/,
    ],
    [{ ...allowed, volumes: [volume('data', { nfs: { server: 'a' } })] }, /volumes\.data.*nfs/],
    [withPod({ runAsNonRoot: undefined }), /runAsNonRoot must be/],
    [withPod({ runAsNonRoot: false }), /runAsNonRoot is false/],
    [withPod({ runAsUser: 0 }), /runAsUser is 0/],
    [withPod({ seccompProfile: undefined }), /seccompProfile must be/],
    [withPod({ seccompProfile: { type: 'Unconfined' } }), /seccompProfile.type is Unconfined/],
    [withPod({ appArmorProfile: { type: 'Unconfined' } }), /appArmorProfile/],
    [withPod({ seLinuxOptions: { type: 'spc_t' } }), /seLinuxOptions.type is spc_t/],
    [withPod({ seLinuxOptions: { user: 'root' } }), /seLinuxOptions.user/],
    [withPod({ seLinuxOptions: { role: 'admin' } }), /seLinuxOptions.role/],
    [withPod({ windowsOptions: { hostProcess: true } }), /hostProcess/],
    [withPod({ sysctls: [{ name: 'kernel.msgmax' }] }), /kernel\.msgmax/],
    [withContainer({}, { privileged: true }), /privileged/],
    [withContainer({}, { allowPrivilegeEscalation: undefined }), /allowPrivilegeEscalation/],
    [withContainer({}, { allowPrivilegeEscalation: true }), /allowPrivilegeEscalation/],
    [withContainer({}, { capabilities: { drop: ['NET_RAW'] } }), /drop must hold ALL/],
    [withContainer({}, { capabilities: { drop: ['ALL'], add: ['SYS_TIME'] } }), /SYS_TIME/],
    [withContainer({}, { runAsNonRoot: false }), /runAsNonRoot/],
    [withContainer({}, { runAsUser: 0 }), /runAsUser is 0/],
    [withContainer({}, { seccompProfile: { type: 'Unconfined' } }), /Unconfined/],
    [withContainer({}, { procMount: 'Unmasked' }), /procMount/],
    [withContainer({ ports: [{ containerPort: 80, hostPort: 80 }] }), /hostPort/],
    [withContainer({ livenessProbe: { httpGet: { host: '192.0.2.1' } } }), /livenessProbe/],
    [withContainer({ lifecycle: { preStop: { tcpSocket: { host: 'a' } } } }), /preStop/],
    [{ ...allowed, initContainers: [{ name: 'init' }] }, /^initContainers\.init/],
    [{ ...allowed, ephemeralContainers: [{ name: 'debug' }] }, /^ephemeralContainers\.debug/],
    [{ ...allowed, containers: [] }, /containers is empty/],
  ]
  for (const [spec, reason] of broken) {
    const violations = restrictedProfileViolations(spec)
    assert.ok(
      violations.some((violation) => reason.test(violation)),
      `${reason} is not in ${JSON.stringify(violations)}`,
    )
  }
  const annotation = 'container.apparmor.security.beta.kubernetes.io/service'
  const unconfined = { annotations: { [annotation]: 'unconfined' } }
  assert.match(restrictedProfileViolations(allowed, unconfined).join(), /apparmor.*unconfined/)
})
