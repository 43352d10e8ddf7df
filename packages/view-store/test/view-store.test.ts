import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { testStack } from '@kappa/test/stack'
import { connectRedis, type RedisClient } from '../src/redis-client.ts'
import { type Change, type Claim, type Slot, slotOf, ViewStore } from '../src/view-store.ts'

const namespace = 'view-store-test'

const markerMs = 1_000
const whole = { start: '-', stop: '+' } as const
const upTo = (count: number) => ({ descending: false, count })
/** Rows are indexed by one text on top of their key. */
const indexed = 1
let redis: RedisClient
let store: ViewStore

before(async () => {
  const { redisUrl, redisPasswordFile } = testStack()
  const settings = {
    url: `${redisUrl}/12`,
    password: readFileSync(redisPasswordFile, 'utf8').trim(),
    timeoutMs: 5_000,
  }
  redis = connectRedis(settings, 'test', () => undefined)
  await new Promise((resolve) => redis.once('ready', resolve))
  await redis.flushdb()
  store = new ViewStore(redis, namespace)
})
after(() => redis.disconnect())

function newSlot(): Slot {
  return slotOf(namespace, 'a', 1, randomUUID(), 0)
}

function keyOf(text: string): string {
  return `"${text}\0`
}

function change(key: string, batch: number, row: string | null, rank = ''): Change {
  return {
    key: keyOf(key),
    batch: String(batch),
    indexed: [keyOf(rank)],
    row,
  }
}

function apply(slot: Slot, owner: Claim, from: bigint, changes: Change[], writtenAt = 0) {
  const next = from + BigInt(changes.length)
  return store.apply(slot, { epoch: owner.epoch, from, next, writtenAt, changes }, markerMs)
}

async function contents(slot: Slot): Promise<Record<string, string>> {
  const scan = await store.scan(slot, 0, whole, upTo(1_000))
  const keys = scan?.found ?? []
  if (keys.length === 0) return {}
  const read = await store.read(slot, keys)
  return Object.fromEntries(
    keys.map((key, i) => [key.slice(1, -1), read?.found[i]?.row ?? 'no row']),
  )
}

async function ranked(slot: Slot): Promise<string[]> {
  const found = await store.scan(slot, 1, whole, upTo(1_000))
  return (found?.found ?? []).map((entry) => entry.replaceAll(/["\0]+/g, ' ').trim())
}

test('P2: records that are delivered again change nothing and tell where to go on', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  assert.equal((await apply(slot, owner, 0n, [change('a', 1, '{"n":1}')])).outcome, 'applied')
  assert.equal((await apply(slot, owner, 1n, [change('a', 1, '{"n":2}')])).outcome, 'applied')
  const again = await apply(slot, owner, 0n, [change('a', 1, '{"n":1}')])
  assert.deepEqual(again, { outcome: 'elsewhere', next: 2n })
  const ahead = await apply(slot, owner, 7n, [change('b', 1, '{"n":9}')])
  assert.deepEqual(ahead, { outcome: 'elsewhere', next: 2n })
  assert.deepEqual(await contents(slot), { a: '{"n":2}' })
})

test('P2: a former owner that was slow changes nothing', async () => {
  const slot = newSlot()
  const former = await store.claim(slot, 0n, 0, indexed)
  const owner = await store.claim(slot, 0n, 0, indexed)
  assert.ok(Number(owner.epoch) > Number(former.epoch))
  const refused = await apply(slot, former, 0n, [change('a', 9, '{"n":9}')])
  assert.deepEqual(refused, { outcome: 'fenced', next: 0n })
  assert.deepEqual(await contents(slot), {})
  assert.equal((await apply(slot, owner, 0n, [change('a', 1, '{"n":1}')])).outcome, 'applied')
})

test('P2: an older batch never replaces a newer row, an equal one does', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(slot, owner, 0n, [change('a', 20, '{"n":1}'), change('a', 20, '{"n":2}')])
  const older = await apply(slot, owner, 2n, [
    change('a', 19, '{"n":3}'),
    change('b', 3, '{"n":4}'),
  ])
  assert.deepEqual(older, { outcome: 'applied', outdated: 1, dropped: 0 })
  assert.deepEqual(await contents(slot), { a: '{"n":2}', b: '{"n":4}' })
})

test('P2: an older batch does not bring back a deleted row while its marker lives', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(
    slot,
    owner,
    0n,
    [change('a', 1, '{"n":1}', '2013-01-01'), change('a', 20, null)],
    5_000,
  )
  await apply(slot, owner, 2n, [change('a', 19, '{"n":3}', '2013-01-01')], 5_500)
  assert.deepEqual(await contents(slot), {})
  assert.equal((await store.read(slot, [keyOf('a')]))?.found[0], undefined)
  assert.equal(await redis.zcard(secondIndex(slot)), 0)
  assert.deepEqual(await keysIn(slot), ['a'], 'the marker')
  await apply(slot, owner, 3n, [change('b', 21, '{"n":4}')], 5_000 + markerMs + 1)
  assert.deepEqual(await keysIn(slot), ['b'], 'the marker is gone')
  await apply(slot, owner, 4n, [change('a', 22, '{"n":5}')], 9_000)
  assert.deepEqual(await contents(slot), { a: '{"n":5}', b: '{"n":4}' })
})

test('a new row lifts the marker of a deleted one', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(slot, owner, 0n, [change('a', 1, null)], 5_000)
  await apply(slot, owner, 1n, [change('a', 2, '{"n":2}')], 5_000)
  await apply(slot, owner, 2n, [change('b', 2, '{"n":3}')], 50_000)
  assert.deepEqual(await contents(slot), { a: '{"n":2}', b: '{"n":3}' })
})

for (const part of ['rows', 'index0', 'index1'] as const) {
  test(`P5: a partition whose ${part} were lost is not read, not written, and starts again`, async () => {
    const slot = newSlot()
    const owner = await store.claim(slot, 0n, 0, indexed)
    await apply(slot, owner, 0n, [change('a', 1, '{"n":1}', '2013-01-01')])
    await redis.del(part === 'index1' ? secondIndex(slot) : slot[part])
    assert.equal(await store.scan(slot, 1, whole, upTo(10)), undefined)
    assert.equal(await store.count(slot, 0, [whole]), undefined)
    if (part === 'rows') assert.equal(await store.read(slot, [keyOf('a')]), undefined)
    assert.equal(await store.status(slot), undefined)
    assert.deepEqual(await apply(slot, owner, 1n, [change('b', 1, '{}')]), { outcome: 'lost' })
    const again = await store.claim(slot, 0n, 0, indexed)
    assert.deepEqual({ next: again.next, anew: again.anew }, { next: 0n, anew: true })
    assert.ok(Number(again.epoch) > Number(owner.epoch))
    assert.deepEqual(await keysIn(slot), [])
    assert.equal(await redis.exists(slot.index0, secondIndex(slot)), 0)
  })
}

test('the pointer to the live release only moves to newer epochs', async () => {
  const application = randomUUID()
  assert.deepEqual(await store.point(application, 5, 2), { epoch: 5, release: 2 })
  assert.deepEqual(await store.point(application, 4, 1), { epoch: 5, release: 2 })
  assert.deepEqual((await store.pointer(application)).pointer, { epoch: 5, release: 2 })
  assert.equal((await store.pointer(randomUUID())).pointer, undefined)
})

test('P4: the pointer is read once a turn, after all rows that the turn asks for', async () => {
  const application = randomUUID()
  const slot = newSlot()
  await store.claim(slot, 0n, 0, indexed)
  await store.point(application, 1, 1)
  const monitor = await redis.monitor()
  try {
    const asked: string[] = []
    monitor.on('monitor', (_time: string, [command = '', key = '']: string[]) => {
      if (/^hmget$/i.test(command)) asked.push(key)
    })
    await Promise.all([
      store.pointer(application),
      store.read(slot, ['a']),
      store.pointer(application),
      store.readOne(slot, 'b'),
    ])
    await redis.ping()
    const ours = asked.filter((key) => key === slot.rows || key.includes(application))
    assert.deepEqual(ours, [slot.rows, slot.rows, `${namespace}:{${application}}:live`])
  } finally {
    monitor.disconnect()
  }
})

test('P4: what clients were told is replaced only by who knows it', async () => {
  const application = randomUUID()
  await store.point(application, 5, 2)
  assert.equal(await store.tell(application, 'v', undefined, 'one'), 'one')
  assert.equal(await store.tell(application, 'v', undefined, 'two'), 'one')
  assert.equal(await store.tell(application, 'v', 'one', 'two'), 'two')
  await store.point(application, 6, 3)
  assert.deepEqual(await store.pointer(application, ['w', 'v']), {
    pointer: { epoch: 6, release: 3 },
    told: [undefined, 'two'],
  })
})

test('P4: a frozen partition refuses changes, stays readable, and goes on where it was', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(slot, owner, 0n, [change('a', 1, '{"n":1}')])
  assert.deepEqual(await store.freeze(slot, 3), { outcome: 'done', next: 1n })
  const refused = await apply(slot, owner, 1n, [change('a', 2, '{"n":2}')])
  assert.deepEqual(refused, { outcome: 'frozen', next: 1n })
  assert.deepEqual(await contents(slot), { a: '{"n":1}' })
  assert.equal((await store.status(slot))?.frozen, true)
  assert.deepEqual(await store.freeze(slot, 3), { outcome: 'done', next: 1n }, 'asked again')
  const heir = await store.claim(slot, 0n, 3, indexed)
  assert.deepEqual({ next: heir.next, anew: heir.anew }, { next: 1n, anew: false })
  assert.equal((await apply(slot, heir, 1n, [])).outcome, 'frozen', 'for a new owner too')
  assert.deepEqual(await store.unfreeze(slot, 3), { outcome: 'done', next: 1n })
  assert.deepEqual(await store.unfreeze(slot, 3), { outcome: 'done', next: 1n }, 'asked again')
  assert.equal((await apply(slot, heir, 1n, [change('a', 2, '{"n":2}')])).outcome, 'applied')
  assert.equal((await store.status(slot))?.frozen, false)
})

test('P4: a replay that was stopped and has a successor freezes and unfreezes nothing', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  assert.equal((await store.unfreeze(slot, 6)).outcome, 'done')
  assert.deepEqual(await store.freeze(slot, 5), { outcome: 'fenced', by: 6 })
  assert.equal((await apply(slot, owner, 0n, [change('a', 1, '{}')])).outcome, 'applied')
  await store.freeze(slot, 6)
  assert.deepEqual(await store.unfreeze(slot, 5), { outcome: 'fenced', by: 6 })
  assert.equal((await apply(slot, owner, 1n, [change('a', 2, '{}')])).outcome, 'frozen')
})

test('P4: a partition that is rebuilt is not frozen, and is fenced by what its owner knows', async () => {
  for (const part of ['rows', 'index0'] as const) {
    const slot = newSlot()
    const owner = await store.claim(slot, 0n, 0, indexed)
    await apply(slot, owner, 0n, [change('a', 1, '{"n":1}')])
    await store.freeze(slot, 6)
    await redis.del(slot[part])
    assert.deepEqual(await store.freeze(slot, 6), { outcome: 'lost' })
    assert.deepEqual(await store.unfreeze(slot, 6), { outcome: 'lost' })
    assert.equal((await apply(slot, owner, 1n, [])).outcome, 'lost')
    const heir = await store.claim(slot, 0n, 6, indexed)
    assert.equal(heir.anew, true)
    assert.deepEqual(await store.freeze(slot, 5), { outcome: 'fenced', by: 6 })
    assert.equal((await apply(slot, heir, 0n, [change('a', 1, '{"n":1}')])).outcome, 'applied')
    // Replay that freezes again before it commits sees that it is not what it was.
    assert.deepEqual(await store.freeze(slot, 6), { outcome: 'done', next: 1n })
  }
})

test('a claim never takes a fence back', async () => {
  const slot = newSlot()
  await store.claim(slot, 0n, 9, indexed)
  await store.claim(slot, 0n, 2, indexed)
  assert.deepEqual(await store.freeze(slot, 8), { outcome: 'fenced', by: 9 })
  await redis.hset(slot.rows, 'listed', 1)
  assert.equal((await store.claim(slot, 0n, 2, indexed)).anew, true)
  assert.deepEqual(await store.freeze(slot, 8), { outcome: 'fenced', by: 9 })
})

test('each index follows its rows, and counts what is in its ranges', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  const rows = [change('a', 1, '{"n":1}', 'x'), change('b', 1, '{"n":2}', 'y|,')]
  await apply(slot, owner, 0n, [...rows, change('c', 1, '{"n":3}', 'ü')])
  assert.deepEqual(await ranked(slot), ['x a', 'y|, b', 'ü c'])
  const read = await store.read(slot, [keyOf('b'), keyOf('none')])
  assert.deepEqual(
    read?.found.map((row) => row && [row.row, row.indexed]),
    [['{"n":2}', [keyOf('y|,')]], undefined],
  )
  await apply(slot, owner, 3n, [change('a', 2, '{"n":4}', 'z'), change('c', 2, null)])
  assert.deepEqual(await ranked(slot), ['y|, b', 'z a'])
  const ranges = [
    { start: '-', stop: `(${keyOf('z')}` },
    { start: `[${keyOf('z')}`, stop: '+' },
  ]
  assert.equal((await store.count(slot, 1, ranges))?.found, 2)
  assert.equal((await store.count(slot, 1, ranges.slice(0, 1)))?.found, 1)
  const last = await store.scan(slot, 1, whole, { descending: true, count: 1 })
  assert.deepEqual(last?.found, [keyOf('z') + keyOf('a')])
})

test('rows whose first indexed value is before a bound are dropped, and leave nothing', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(slot, owner, 0n, [change('a', 1, '{}', '2013-01'), change('b', 1, '{}', '2013-03')])
  const applied = await store.apply(
    slot,
    {
      epoch: owner.epoch,
      from: 2n,
      next: 4n,
      writtenAt: 0,
      changes: [change('c', 2, '{}', '2013-02'), change('d', 2, '{}', '2013-04')],
      dropBefore: keyOf('2013-03'),
    },
    markerMs,
  )
  assert.deepEqual(applied, { outcome: 'applied', outdated: 0, dropped: 2 })
  assert.deepEqual(await ranked(slot), ['2013-03 b', '2013-04 d'])
  assert.equal((await store.status(slot))?.rows, 2)
  const older = await apply(slot, owner, 4n, [change('c', 1, '{}', '2013-05')])
  assert.deepEqual(older, { outcome: 'applied', outdated: 1, dropped: 0 }, 'P2: not brought back')
  assert.deepEqual(await ranked(slot), ['2013-03 b', '2013-04 d'])
})

test('the last record of a key counts, unless one of a newer batch came before it', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  const applied = await apply(slot, owner, 0n, [
    change('a', 2, '{"n":1}', 'x'),
    change('b', 2, '{"n":2}', 'y'),
    change('a', 1, '{"n":3}', 'z'),
    change('b', 3, null),
    change('c', 2, null),
    change('c', 2, '{"n":4}', 'w'),
  ])
  assert.deepEqual(applied, { outcome: 'applied', outdated: 1, dropped: 0 })
  assert.deepEqual(await contents(slot), { a: '{"n":1}', c: '{"n":4}' })
  assert.deepEqual(await ranked(slot), ['w c', 'x a'])
})

test('a partition with other indexes, or of another layout, starts again', async () => {
  const slot = newSlot()
  const owner = await store.claim(slot, 0n, 0, indexed)
  await apply(slot, owner, 0n, [change('a', 1, '{"n":1}', 'x')])
  assert.equal((await store.claim(slot, 0n, 0, 2)).anew, true)
  assert.deepEqual(await contents(slot), {})
  assert.equal(await redis.exists(secondIndex(slot)), 0)
  await redis.rename(slot.rows, slot.rows.replace(/rows$/, 'meta'))
  await redis.hset(slot.rows, 'a', 'as another layout had it')
  assert.equal(await store.status(slot), undefined)
  assert.equal(await store.read(slot, ['a']), undefined)
  assert.equal((await store.claim(slot, 0n, 0, 2)).anew, true)
  assert.deepEqual(await keysIn(slot), [])
  assert.equal(await redis.exists(slot.rows.replace(/rows$/, 'meta')), 0)
})

async function keysIn(slot: Slot): Promise<string[]> {
  const fields = await redis.hkeys(slot.rows)
  return fields.filter((field) => field.startsWith('"')).map((field) => field.slice(1, -1))
}

function secondIndex({ index0 }: Slot): string {
  return index0.replace(/0$/, '1')
}
