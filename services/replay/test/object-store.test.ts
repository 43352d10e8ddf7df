import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { ObjectStore } from '../object-store.ts'
import { Installation } from './retiring-fixture.ts'

let here: Installation

before(async () => {
  here = await Installation.open()
})
after(() => here.close())

test('a folder is deleted page by page, with its markers, and nothing beside it', async () => {
  const inside = Array.from({ length: 2_100 }, (_, i) => `a/1/state/${i % 3}/deep/${i}`)
  await here.put([
    ...inside,
    'a/1/',
    'a/1/empty/',
    'a/1/räume/über %.delta',
    'a/10/x',
    'a/1x',
    'b/1/x',
  ])
  assert.deepEqual((await here.store.listFolders('a/')).sort(), ['1', '10'])
  assert.equal(await here.store.holdsAny('a/1/'), true)
  const pages: number[] = []
  await here.store.deletePrefix('a/1/', { onDeleted: (objects) => pages.push(objects) })
  assert.ok(pages.length >= 3 && pages.every((objects) => objects <= 1_000), String(pages))
  assert.equal(await here.store.holdsAny('a/1/'), false)
  assert.deepEqual(
    await here.everything(),
    ['a/10/x', 'a/1x', 'b/1/x'].map((key) => `${here.namespace}/${key}`),
  )
  assert.equal(await here.store.deletePrefix('a/1/'), 0, 'again')
})

test('more folders than a page has are all listed', async () => {
  await here.put(Array.from({ length: 1_050 }, (_, i) => `many/${i}/x`))
  assert.equal(new Set(await here.store.listFolders('many/')).size, 1_050)
})

test('what is no folder is refused: nothing else may be reached by it', async () => {
  for (const prefix of ['', '/', 'a', 'a/1', '//']) {
    await assert.rejects(here.store.deletePrefix(prefix), /must end in a slash/)
  }
})

test('a deletion that is called off ends there', async () => {
  await here.put(['stopped/1/x'])
  const reason = new Error('the service stops')
  await assert.rejects(here.store.deletePrefix('stopped/1/', { signal: AbortSignal.abort(reason) }))
  assert.equal(await here.store.holdsAny('stopped/1/'), true)
})

test('objects that a (fake) store will not delete are named, and keep no others', async () => {
  const key = (name: string) => `<Contents><Key>n/folder/${name}</Key></Contents>`
  const pages = [
    `<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>${key('locked')}${key('a')}`,
    `<IsTruncated>false</IsTruncated>${key('b')}`,
  ]
  const asked: string[] = []
  const fake = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/xml')
    if (request.method === 'GET') {
      response.end(`<ListBucketResult>${pages.shift()}</ListBucketResult>`)
      return
    }
    const body = await text(request)
    asked.push(...[...body.matchAll(/<Key>([^<]*)/g)].map(([, name]) => name ?? ''))
    const refused =
      '<Error><Key>n/folder/locked</Key><Code>AccessDenied</Code><Message>held</Message></Error>'
    response.end(`<DeleteResult>${body.includes('locked') ? refused : ''}</DeleteResult>`)
  })
  const store = await storeAt(fake, 10_000)
  try {
    await assert.rejects(store.deletePrefix('folder/'), {
      name: 'ObjectStoreError',
      message: /did not delete 1 objects below folder\/: n\/folder\/locked \(AccessDenied: held\)$/,
    })
    assert.deepEqual(asked, ['n/folder/locked', 'n/folder/a', 'n/folder/b'])
  } finally {
    store.close()
    fake.closeAllConnections()
    fake.close()
  }
})

test('an object is written only where there is none, whoever else tries', async () => {
  const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`)
  const written = await Promise.all(texts.map((text) => here.store.putNew('a/new', text)))
  assert.equal(written.filter(Boolean).length, 1)
  assert.equal(await here.store.getText('a/new'), texts[written.indexOf(true)])
  assert.equal(await here.store.putNew('a/new', 'another'), false)
})

test('a (fake) store that takes requests and answers none is given up', async () => {
  const silent = createServer(() => undefined)
  const stuck = createServer((_, response) => response.writeHead(200).write('the begin'))
  try {
    await assert.rejects((await storeAt(silent, 100)).getText('a'), /timed? ?out|exceeded/i)
    await assert.rejects((await storeAt(stuck, 100)).getText('a'), /timed? ?out|aborted/i)
  } finally {
    for (const server of [silent, stuck]) server.closeAllConnections()
    for (const server of [silent, stuck]) server.close()
  }
})

async function storeAt(fake: Server, requestTimeoutMs: number): Promise<ObjectStore> {
  await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`
  const login = { accessKeyId: 'a', secretAccessKey: 's' }
  return new ObjectStore({ endpoint, region: 'r', bucket: 'b', ...login, requestTimeoutMs }, 'n')
}
