import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { applyPatch, type JsonPatch, PatchError } from '../rejected/json-patch.ts'

const bytesMax = 10_000

/** Appendix A of RFC 6902: document, patch, and the document after it (undefined: an error). */
const appendix: readonly [string, unknown, JsonPatch, unknown][] = [
  [
    'A.1 adding an object member',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz', value: 'qux' }],
    { baz: 'qux', foo: 'bar' },
  ],
  [
    'A.2 adding an array element',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  [
    'A.3 removing an object member',
    { baz: 'qux', foo: 'bar' },
    [{ op: 'remove', path: '/baz' }],
    { foo: 'bar' },
  ],
  [
    'A.4 removing an array element',
    { foo: ['bar', 'qux', 'baz'] },
    [{ op: 'remove', path: '/foo/1' }],
    { foo: ['bar', 'baz'] },
  ],
  [
    'A.5 replacing a value',
    { baz: 'qux', foo: 'bar' },
    [{ op: 'replace', path: '/baz', value: 'boo' }],
    { baz: 'boo', foo: 'bar' },
  ],
  [
    'A.6 moving a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7 moving an array element',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  [
    'A.8 testing a value: success',
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  [
    'A.9 testing a value: error',
    { baz: 'qux' },
    [{ op: 'test', path: '/baz', value: 'bar' }],
    undefined,
  ],
  [
    'A.10 adding a nested member object',
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  [
    'A.12 adding to a nonexistent target',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz/bat', value: 'qux' }],
    undefined,
  ],
  [
    'A.14 ~ escape ordering',
    { '/': 9, '~1': 10 },
    [{ op: 'test', path: '/~01', value: 10 }],
    { '/': 9, '~1': 10 },
  ],
  [
    'A.15 comparing strings and numbers',
    { '/': 9, '~1': 10 },
    [{ op: 'test', path: '/~01', value: '10' }],
    undefined,
  ],
  [
    'A.16 adding an array value',
    { foo: ['bar'] },
    [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    { foo: ['bar', ['abc', 'def']] },
  ],
]

describe('the examples of RFC 6902', () => {
  for (const [name, document, patch, expected] of appendix) {
    test(name, () => {
      const apply = () => applyPatch(document, patch, bytesMax)
      if (expected === undefined) assert.throws(apply, PatchError)
      else assert.deepEqual(apply(), expected)
    })
  }
})

test('what an operation cannot do is said with its number and place', () => {
  const patch: JsonPatch = [
    { op: 'add', path: '/a', value: 1 },
    { op: 'replace', path: '/delays/4/minutes', value: 2 },
  ]
  assert.throws(() => applyPatch({ delays: [] }, patch, bytesMax), {
    message: 'operation 1 (replace /delays/4/minutes): the event has nothing at /delays/4',
  })
  for (const path of ['a', '/a~2', '/list/01', '/list/-1', '/list/1e0']) {
    const wrong: JsonPatch = [{ op: 'remove', path }]
    assert.throws(() => applyPatch({ a: 1, list: [1, 2] }, wrong, bytesMax), PatchError, path)
  }
})

test('no path leads to what all objects share', () => {
  const shared = Object.getOwnPropertyNames(Object.prototype)
  for (const path of ['/toString/x', '/hasOwnProperty/call', '/constructor/prototype/x']) {
    assert.throws(() => applyPatch({}, [{ op: 'add', path, value: 1 }], bytesMax), PatchError, path)
  }
  const patched = applyPatch({}, [{ op: 'add', path: '/__proto__', value: { x: 1 } }], bytesMax)
  assert.deepEqual(Object.keys(patched as object), ['__proto__'])
  assert.equal(Object.getPrototypeOf(patched), Object.prototype)
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), shared)
  assert.equal(typeof Object.prototype.hasOwnProperty.call, 'function')
})

test('copying a value into itself again and again meets the bound', () => {
  const doubling: JsonPatch = Array.from({ length: 60 }, (_, n) => ({
    op: 'copy',
    from: '',
    path: `/copy${n}`,
  }))
  assert.throws(() => applyPatch({ a: 'x' }, doubling, bytesMax), /the bound is 10000 bytes/)
})

test('values of a patch are not shared between the events that it is applied to', () => {
  const value = { list: [] as unknown[] }
  const patch: JsonPatch = [
    { op: 'add', path: '/a', value },
    { op: 'add', path: '/a/list/-', value: 1 },
  ]
  applyPatch({}, patch, bytesMax)
  assert.deepEqual(applyPatch({}, patch, bytesMax), { a: { list: [1] } })
  assert.deepEqual(value, { list: [] })
})

test('adding and removing is the identity for any member of any object', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.string(),
      fc.jsonValue(),
      (document, name, value) => {
        fc.pre(!Object.hasOwn(document, name))
        const before = JSON.stringify(document)
        const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
        const patch: JsonPatch = [
          { op: 'add', path, value },
          { op: 'test', path, value },
          { op: 'remove', path },
        ]
        assert.equal(JSON.stringify(applyPatch(document, patch, 1_000_000)), before)
      },
    ),
  )
})
