import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RemovalParts } from '../retiring/removal-parts.ts'
import {
  type RemovalError,
  type RemovalProgress,
  removalSteps,
  removeRelease,
} from '../retiring/remove-release.ts'
import { Installation } from './retiring-fixture.ts'

let here: Installation
let neighbour: Installation

before(async () => {
  here = await Installation.open()
  // Its name begins like ours: a prefix that is not closed would reach it.
  neighbour = await Installation.open(`${here.namespace}-2`)
})
after(async () => {
  await here.close()
  await neighbour.close()
})

test('L5: a removed release has no topic, no group, no object, no row; its neighbours keep all', async () => {
  await here.release('shop', 10, 'live')
  await here.release('shop-2', 1, 'live')
  await neighbour.release('shop', 1, 'live')
  const others = await here.everything()
  const elsewhere = await neighbour.everything()
  const record = await here.release('shop', 1, 'retired', { objects: 2_600 })
  const seen: RemovalProgress[] = []
  await removeRelease(here.parts, record, { onProgress: (progress) => seen.push(progress) })
  assert.deepEqual(await here.everything(), others)
  assert.deepEqual(await neighbour.everything(), elsewhere)
  const done = seen.filter((progress) => progress.done)
  assert.deepEqual(
    done.map(({ step, removed }) => [step, removed]),
    [
      ['changelogs', 2],
      ['group', 1],
      ['checkpoints', 2_600],
      ['datasets', 1],
      ['rows', 4],
    ],
  )
  const parts = seen.filter(({ step, done }) => step === 'checkpoints' && !done)
  assert.deepEqual(
    parts.map(({ removed }) => removed),
    [1_000, 2_000, 2_600],
    'a page at a time',
  )
})

test('L5: killed in every step and in the middle of a page, a removal ends the same', async () => {
  const others = await here.everything()
  const record = await here.release('shop', 2, 'cancelled', { objects: 1_100 })
  for (const step of removalSteps) {
    const error = await failure(removeRelease(failingIn(here.parts, step), record))
    assert.equal(error.step, step)
    assert.match(error.message, new RegExp(`${step} of shop 2 .*killed, says the fake`))
  }
  const dieAfterAPage = ({ step, removed }: RemovalProgress) => {
    if (step === 'checkpoints' && removed >= 1_000) throw new Error('killed, says the test')
  }
  // What the fakes let happen: all but the steps' own failure, so rows are gone and must be made again.
  await here.release('shop', 2, 'cancelled', { objects: 1_100 })
  const error = await failure(removeRelease(here.parts, record, { onProgress: dieAfterAPage }))
  assert.equal(error.step, 'checkpoints')
  const left = (await here.everything()).length - others.length
  assert.equal(left, 100 + 1 + 4, 'objects of the second page, the dataset, the rows')
  await removeRelease(here.parts, record)
  assert.deepEqual(await here.everything(), others)
  await removeRelease(here.parts, record)
  assert.deepEqual(await here.everything(), others)
})

test('a group that has a member is waited for, for a bounded time', async () => {
  const others = await here.everything()
  const record = await here.release('shop', 3, 'retired')
  const member = await here.joinGroup(record)
  // Its topics go first, and a consumer may die of that; either way it is a member until it is closed.
  member.finished.catch(() => undefined)
  const error = await failure(removeRelease(here.parts, record, { groupWaitMsMax: 1_200 }))
  assert.equal(error.step, 'group')
  const refused = Promise.withResolvers<void>()
  const deleteGroup = async (group: string) => {
    try {
      await here.parts.admin.deleteGroup(group)
    } catch (reason) {
      refused.resolve()
      throw reason
    }
  }
  const admin = { ...bound(here.parts.admin), deleteGroup }
  const removing = removeRelease({ ...here.parts, admin }, record, { groupWaitMsMax: 60_000 })
  await refused.promise
  await member.close()
  await removing
  assert.deepEqual(await here.everything(), others)
})

test('a step that takes too long, or that is called off, ends with its name', async () => {
  const record = here.record('shop', 4, 'retired')
  const never: RemovalParts = {
    ...here.parts,
    rows: { ...here.parts.rows, removeRows: untilAborted },
  }
  const late = await failure(removeRelease(never, record, { stepMsMax: 2_000 }))
  assert.equal(late.step, 'rows')
  const stop = new AbortController()
  const onProgress = ({ step, done }: RemovalProgress) => {
    if (step === 'datasets' && done) stop.abort(new Error('the service stops'))
  }
  const stopped = await failure(removeRelease(never, record, { signal: stop.signal, onProgress }))
  assert.match(stopped.message, /rows of shop 4 .*the service stops/)
})

test('P7: what is not retired is never removed', async () => {
  for (const state of ['live', 'standby', 'retained', 'catching_up', 'failed'] as const) {
    const record = here.record('shop', 10, state)
    await assert.rejects(removeRelease(here.parts, record), new RegExp(`shop 10 is ${state}`))
  }
  assert.ok((await here.everything()).length > 10)
})

/** The real parts, but the fake kills this step before it does anything. */
function failingIn(parts: RemovalParts, step: (typeof removalSteps)[number]): RemovalParts {
  const die = async () => {
    throw new Error('killed, says the fake')
  }
  const { admin, store, rows } = parts
  const fakes: Record<typeof step, Partial<RemovalParts>> = {
    changelogs: { admin: { ...bound(admin), deleteTopics: die } },
    group: { admin: { ...bound(admin), deleteGroup: die } },
    checkpoints: { store: failingBelow('checkpoints/') },
    datasets: { store: failingBelow('datasets/') },
    rows: { rows: { releasesWithRows: () => rows.releasesWithRows(), removeRows: die } },
  }
  return { ...parts, ...fakes[step] }

  function failingBelow(folder: string): RemovalParts['store'] {
    return {
      listFolders: (...args) => store.listFolders(...args),
      holdsAny: (...args) => store.holdsAny(...args),
      deletePrefix: (prefix, options) =>
        prefix.startsWith(folder) ? die() : store.deletePrefix(prefix, options),
    }
  }
}

function bound(admin: RemovalParts['admin']): RemovalParts['admin'] {
  return {
    deleteTopics: (...args) => admin.deleteTopics(...args),
    deleteGroup: (...args) => admin.deleteGroup(...args),
    listTopics: () => admin.listTopics(),
    listGroups: () => admin.listGroups(),
  }
}

function untilAborted(
  _application: string,
  _release: number,
  { signal }: { signal?: AbortSignal },
): Promise<number> {
  return new Promise((_resolve, reject) => {
    const abort = () => reject(signal?.reason)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

async function failure(removing: Promise<void>): Promise<RemovalError> {
  const error = await removing.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error && error.name === 'RemovalError', String(error))
  return error as RemovalError
}
