import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { locateJsonError } from '../bodies/json-error.ts'

test('the place of an error is that of the first character that cannot stand there', () => {
  const cases: readonly (readonly [string, string, number, number])[] = [
    ['{"a":}', 'unexpected "}"', 1, 6],
    ['{"a":1,}', 'unexpected "}"', 1, 8],
    ['[1,]', 'unexpected "]"', 1, 4],
    ['[1 2]', 'unexpected "2"', 1, 4],
    ['{a:1}', 'unexpected "a"', 1, 2],
    ["{'a':1}", 'unexpected "\'"', 1, 2],
    ['{"a"\n:\n01}', 'unexpected "0"', 3, 1],
    ['{"a":1}\n{"a":2}', 'unexpected "{"', 2, 1],
    ['"a\nb"', 'unexpected "\\n"', 1, 3],
    ['"a\\x"', 'unexpected "x"', 1, 4],
    ['"\\u12g4"', 'unexpected "g"', 1, 6],
    ['nul', 'unexpected "n"', 1, 1],
    ['NaN', 'unexpected "N"', 1, 1],
    ['\ufeff{}', 'unexpected "\ufeff"', 1, 1],
    ['[1, ✈]', 'unexpected "✈"', 1, 5],
    ['', 'unexpected end', 1, 1],
    ['{"a":\n[1', 'unexpected end', 2, 3],
    ['"abc', 'unexpected end', 1, 5],
    ['-', 'unexpected end', 1, 2],
    ['1.', 'unexpected end', 1, 3],
    ['07', 'unexpected "0"', 1, 1],
    ['1.e', 'unexpected "1"', 1, 1],
  ]
  for (const [text, what, line, column] of cases) {
    assert.throws(() => JSON.parse(text), SyntaxError)
    assert.deepEqual(locateJsonError(text), { what, line, column }, text)
  }
})

test('the place agrees with the one that the engine tells, where it tells one', () => {
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '}', ']', ',', ':', '\\', 'x', '\n', '7'))
    .map(([text, at, insert]) => {
      const position = at % (text.length + 1)
      return text.slice(0, position) + insert + text.slice(position + 1)
    })
  fc.assert(
    fc.property(damaged, (text) => {
      const position = placeByEngine(text)
      if (position === undefined) return
      const { line, column } = locateJsonError(text)
      const lines = text.split('\n')
      const found = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0) + column - 1
      // Words and numbers are told by their first character, which the engine sees a little later.
      assert.ok(found <= position && /^[-+.\w]*$/.test(text.slice(found, position)), text)
    }),
    { numRuns: 2_000 },
  )
})

test('a text that is nested a million deep is scanned without recursion', () => {
  assert.equal(locateJsonError('['.repeat(1_000_000)).column, 1_000_001)
})

/** The position that V8 tells, for the errors where it tells one. */
function placeByEngine(text: string): number | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const found = /at position (\d+)/.exec(error instanceof Error ? error.message : '')
    return found === null ? undefined : Number(found[1])
  }
}
