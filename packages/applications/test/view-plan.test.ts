import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAnalysedPlan, checkViewColumns } from '@kappa/applications/view-plan'

const view = { sql: '', file: 'views/v.sql', key: ['carrier', 'hour'], time: 'hour' }
const column = (name: string, type: string) => ({ name, type, nullable: true })

test('a key column that the query does not give is refused, with the columns that it does', () => {
  const [key, time] = checkViewColumns(view, [column('carrier', 'string'), column('n', 'bigint')])
  assert.match(key?.message ?? '', /does not give the key column hour; its columns are carrier, n/)
  assert.match(time?.message ?? '', /does not give the time column hour/)
})

test('columns are unique, keys have a text form, time is a timestamp', () => {
  const columns = [column('carrier', 'double'), column('hour', 'string'), column('hour', 'string')]
  const messages = checkViewColumns(view, columns)
    .map(({ message }) => message)
    .join('\n')
  assert.match(messages, /gives the column hour twice/)
  assert.match(messages, /gives the key column carrier as double/)
  assert.match(messages, /gives the time column hour as string; it must be a timestamp/)
})

test('a filter above an aggregate is found in the plan, one below it is not', () => {
  const above = [
    'Project [a#1]',
    '+- Filter (n#2 > 1)',
    '   +- Aggregate [a#1], [a#1, count(1) AS n#2]',
    '      +- Relation x',
  ]
  const below = ['Aggregate [a#1], [a#1]', '+- Filter (b#2 > 1)', '   +- Relation x']
  assert.equal(checkAnalysedPlan(view, above.join('\n')).length, 1)
  assert.equal(checkAnalysedPlan(view, below.join('\n')).length, 0)
})
