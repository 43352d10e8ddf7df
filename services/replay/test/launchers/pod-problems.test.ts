import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1PodStatus } from '@kubernetes/client-node'
import { problemOf } from '../../launchers/kubernetes/pod-problems.ts'

const container = { name: 'spark-driver', image: 'i', imageID: '', ready: false, restartCount: 0 }

function problem(status: V1PodStatus) {
  const resources = { limits: { memory: '1536Mi' } }
  return problemOf({
    metadata: { name: 'flights-1' },
    spec: { containers: [{ name: 'spark-driver', resources }] },
    status,
  })
}

test('a pod that runs, or is on its way, has no problem', () => {
  assert.equal(problem({ phase: 'Running' }), undefined)
  const state = { waiting: { reason: 'ContainerCreating' } }
  assert.equal(
    problem({ phase: 'Pending', containerStatuses: [{ ...container, state }] }),
    undefined,
  )
})

test('more memory than its limit: which limit, and where to give more', () => {
  const state = { terminated: { reason: 'OOMKilled', exitCode: 137 } }
  const found = problem({ phase: 'Failed', containerStatuses: [{ ...container, state }] })
  assert.match(found?.text ?? '', /more memory than its limit of 1536Mi.*spark\.memory/)
  assert.equal(found?.final, true)
})

test('no node has room: waiting may help', () => {
  const found = problem({
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient cpu.',
      },
    ],
  })
  assert.match(found?.text ?? '', /flights-1 cannot be scheduled: 0\/1 nodes.*Insufficient cpu/)
  assert.equal(found?.final, false)
})

test('an image that is not there: waiting does not help', () => {
  const message = 'Back-off pulling image "nowhere/spark:1"'
  const state = { waiting: { reason: 'ImagePullBackOff', message } }
  const found = problem({ phase: 'Pending', containerStatuses: [{ ...container, state }] })
  assert.match(found?.text ?? '', /image cannot be pulled.*nowhere\/spark:1/)
  assert.equal(found?.final, true)
})

test('a pod that had to give way says to whom', () => {
  const found = problem({
    phase: 'Failed',
    conditions: [
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      },
    ],
  })
  assert.match(found?.text ?? '', /PreemptionByScheduler.*higher priority/)
})

test('a process that was killed is told with its signal', () => {
  const state = { terminated: { reason: 'Error', exitCode: 137 } }
  const found = problem({ phase: 'Failed', containerStatuses: [{ ...container, state }] })
  assert.match(found?.text ?? '', /was ended by signal 9/)
})
