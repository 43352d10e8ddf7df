import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSql } from '@kappa/applications/sql-check'

function problemsOf(sql: string): string[] {
  return checkSql('views/v.sql', sql).map(({ line, message }) => `${line}: ${message}`)
}

test('P2: functions whose answer changes from run to run are refused by name, with their line', () => {
  const [problem, ...others] = problemsOf('SELECT carrier,\n  now() AS at\nFROM departures')
  assert.match(problem ?? '', /^2: now gives another answer in every run/)
  assert.deepEqual(others, [])
  assert.match(problemsOf('SELECT current_timestamp FROM t')[0] ?? '', /current_timestamp/)
  assert.match(problemsOf('SELECT uuid() FROM t')[0] ?? '', /uuid/)
  for (const call of ['`uuid`()', 'system.builtin.uuid()', 'builtin.`UUID` ()']) {
    assert.match(problemsOf(`SELECT ${call} FROM t`)[0] ?? '', /^1: uuid gives/, call)
  }
})

test('names in columns, strings, comments and quotes are not functions', () => {
  const sql = `-- now() is not allowed
    SELECT t.rand, 'rand()' AS text, \`uuid\` /* first(x) */ FROM t WHERE x = "it''s now()"`
  assert.deepEqual(problemsOf(sql), [])
})

test('P2: what depends on the order of events is refused until the event id has the last word', () => {
  assert.match(
    problemsOf('SELECT k, first(v) FROM t GROUP BY k')[0] ?? '',
    /depends on the order of events/,
  )
  assert.match(
    problemsOf('SELECT k, max_by(v, at) FROM t GROUP BY k')[0] ?? '',
    /end its order with _id/,
  )
  assert.deepEqual(problemsOf('SELECT k, max_by(v, struct(at, _id)) FROM t GROUP BY k'), [])
  assert.match(problemsOf('SELECT k, collect_list(v) FROM t GROUP BY k')[0] ?? '', /collect_set/)
})

test('a filter above an aggregate points to delete_when', () => {
  assert.match(
    problemsOf('SELECT k, count(*) n FROM t GROUP BY k\nHAVING n > 1')[0] ?? '',
    /^2: .*delete_when/,
  )
})

test('a view is one query', () => {
  assert.match(problemsOf('DROP TABLE t')[0] ?? '', /starting with SELECT or WITH/)
  assert.match(problemsOf('SELECT 1;\nSELECT 2')[0] ?? '', /^2: .*second statement/)
  assert.deepEqual(problemsOf('SELECT 1;'), [])
  assert.match(checkSql('views/v.sql', '-- nothing\n')[0]?.message ?? '', /is empty/)
})
