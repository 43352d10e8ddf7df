/**
 * What runs inside Redis. Each script touches one partition of one view, all keys in one hash
 * slot, and nothing comes between its reads and its writes.
 *
 * - rows      hash: key -> `<batch>|<indexed values><row>`, where an empty row marks a
 *             deleted one. Beside them, under names that no key has, what is known of the partition:
 *             next (offset), epoch (of the owner), listed (entries of each index), indexed (indexes
 *             but the first), fence (newest epoch of replay that was seen), and frozen while it is so
 * - gone      sorted set: keys of deleted rows, by the changelog's time of the deletion
 * - indexes   sorted sets, all scores 0, so in the order of their bytes: the first of the keys of
 *             rows, the others of `<indexed value><key>`
 *
 * So a row and the offset that it is of are read by one HMGET, without a script.
 *
 * Keys and indexed values are sortable texts. An indexed value ends with the only NUL in it; the key
 * or the row, which is JSON and has none, is what follows.
 *
 * KEYS are rows gone index0, except of `point` and `tell`. How many indexes there are is in rows;
 * their names differ in the digit at the end, so they are in the same slot.
 *
 * What is frozen and what is lost. Replay freezes the partitions of the live release while it
 * switches, and a replay that was stopped for a while and has a successor must freeze nothing: its
 * fence is older than the one that the partition has seen.
 * - A partition that is rebuilt is not frozen, because its rows are no longer those that replay
 *   measured. Replay must not switch on what it measured before: it freezes again right before it
 *   commits, and goes on only if every partition still has the same `next`.
 * - A rebuilt partition has lost the fence. Whoever claims it brings the one that follows from the
 *   control topics, where every replay leaves its epoch before it does anything: it comes back from
 *   Kafka, before the partition can be frozen again. Replay fences with one above the newest epoch
 *   that it knows, so that of a replay before may be equal to the newest epoch that is read there:
 *   the claim too must bring one above it.
 * - A Redis that went back to a state in which a partition was frozen keeps it frozen. So the
 *   replay that is in charge unfreezes, now and then, everything that it is not switching.
 */

/** Of what is stored. In the field's name: what another layout has is as good as lost. */
const layout = '4'
export const nextField = `next.${layout}`

/** What other layouts had beside the keys of this one. */
const oldParts = `{'meta', 'keys', 'time'}`

/** Indexes but the first that a view may have: a digit tells them apart. */
export const indexedMax = 9

/** A Redis that lost or evicted a part of a partition must never pass for one that has all. */
const intact = `
local rows, gone = KEYS[1], KEYS[2]
local function index(i) return string.sub(KEYS[3], 1, -2) .. i end
local function key_in(entry) return string.sub(entry, string.find(entry, '\\0', 1, true) + 1) end
local function intact()
  local m = redis.call('HMGET', rows, '${nextField}', 'epoch', 'listed', 'indexed', 'fence', 'frozen')
  if not m[1] then return nil end
  for i = 0, tonumber(m[4]) do
    if redis.call('ZCARD', index(i)) ~= tonumber(m[3]) then return nil end
  end
  return {next = m[1], epoch = m[2], listed = m[3], indexed = tonumber(m[4]), fence = m[5] or '0', frozen = m[6]}
end
local m = intact()
`

/**
 * ARGV first offset of the changelog, oldest fence that may still be used, indexes but the first.
 * Makes the caller the owner. A partition that is not intact starts again from the beginning.
 * Returns {epoch, next offset, 1 if it starts again}. The epoch follows the clock, so that it is
 * newer than any before even after everything was lost.
 */
export const claim = `${intact}
local now = redis.call('TIME')
local epoch = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
if m and tonumber(m.epoch) >= epoch then epoch = tonumber(m.epoch) + 1 end
local text = string.format('%.0f', epoch)
local fence = math.max(tonumber(redis.call('HGET', rows, 'fence') or '0'), tonumber(ARGV[2]))
fence = string.format('%.0f', fence)
if m and m.indexed == tonumber(ARGV[3]) then
  redis.call('HSET', rows, 'epoch', text, 'fence', fence)
  return {text, m.next, 0}
end
redis.call('UNLINK', unpack(KEYS))
for i = 1, ${indexedMax} do redis.call('UNLINK', index(i)) end
for _, part in ipairs(${oldParts}) do
  redis.call('UNLINK', string.sub(KEYS[3], 1, -#'index0' - 1) .. part)
end
redis.call('HSET', rows, '${nextField}', ARGV[1], 'epoch', text, 'fence', fence,
  'listed', 0, 'indexed', ARGV[3])
return {text, ARGV[1], 1}
`

/**
 * ARGV epoch, offset from which the records were read, offset after the last one, markers older than
 * this changelog time go, changelog time of the records, what rows are dropped before in the second
 * index ('' for none), then for each record, of which no two have
 * the same key, its key, what is stored of it, and its entry in each index but the first (of a
 * deleted row nothing looks at them).
 * Returns {'applied', outdated records, dropped rows}, or, with nothing changed, {'lost'}, {'fenced', next}
 * for an older epoch, {'frozen', next}, {'elsewhere', next} for another offset than the stored one.
 *
 * Rows come by the hundred thousands when a release is built, and then none of them is there yet:
 * so each command is one for all records, and only of a row that is there anything is taken apart.
 */
export const apply = `${intact}
if not m then return {'lost'} end
if tonumber(ARGV[1]) < tonumber(m.epoch) then return {'fenced', m.next} end
if m.frozen then return {'frozen', m.next} end
if ARGV[2] ~= m.next then return {'elsewhere', m.next} end
local first, width = 7, 2 + m.indexed
local function batch_of(stored) return string.sub(stored, 1, string.find(stored, '|', 1, true) - 1) end
local function is_marker(stored) return string.byte(stored, -1) == 124 end
local function entries_of(stored, key)
  local entries, at = {[0] = key}, string.find(stored, '|', 1, true) + 1
  for v = 1, m.indexed do
    local stop = string.find(stored, '\\0', at, true)
    entries[v] = string.sub(stored, at, stop) .. key
    at = stop + 1
  end
  return entries
end
local function call(command, key, arguments)
  if #arguments > 0 then redis.call(command, key, unpack(arguments)) end
end
local keys, count = {}, 0
for i = first, #ARGV, width do
  count = count + 1
  keys[count] = ARGV[i]
end
local olds = count > 0 and redis.call('HMGET', rows, unpack(keys)) or {}
local written, writes, added, adds, removed, marked, lifted, outdated = {}, 0, {}, {}, {}, {}, {}, 0
for v = 0, m.indexed do added[v], adds[v], removed[v] = {}, 0, {} end
local function mark(key)
  marked[#marked + 1] = ARGV[5]
  marked[#marked + 1] = key
end
local function write(key, stored)
  written[writes + 1], written[writes + 2] = key, stored
  writes = writes + 2
end
local function add(v, entry)
  local a, n = added[v], adds[v]
  a[n + 1], a[n + 2] = '0', entry
  adds[v] = n + 2
end
local function change(key, stored, old, at)
  if tonumber(batch_of(stored)) < tonumber(batch_of(old)) then
    outdated = outdated + 1
    return
  end
  write(key, stored)
  local is_row, was_row = not is_marker(stored), not is_marker(old)
  local before = was_row and entries_of(old, key)
  if not is_row then mark(key) elseif not was_row then lifted[#lifted + 1] = key end
  for v = 0, m.indexed do
    local entry, was = v == 0 and key or ARGV[at + v], before and before[v]
    if was and not (is_row and entry == was) then removed[v][#removed[v] + 1] = was end
    if is_row and entry ~= was then add(v, entry) end
  end
end
for k = 1, count do
  local at = first + 1 + (k - 1) * width
  local key, stored, old = keys[k], ARGV[at], olds[k]
  if old then
    change(key, stored, old, at)
  else
    write(key, stored)
    if is_marker(stored) then
      mark(key)
    else
      add(0, key)
      for v = 1, m.indexed do add(v, ARGV[at + v]) end
    end
  end
end
call('HSET', rows, written)
call('ZADD', gone, marked)
call('ZREM', gone, lifted)
for v = 0, m.indexed do
  call('ZREM', index(v), removed[v])
  call('ZADD', index(v), added[v])
end
local expired = redis.call('ZRANGE', gone, '-inf', '(' .. ARGV[4], 'BYSCORE', 'LIMIT', 0, 500)
call('HDEL', rows, expired)
call('ZREM', gone, expired)
-- As many as may have come, and some more: what is old already is dropped again at once.
local dropped = {}
if ARGV[6] ~= '' then
  dropped = redis.call('ZRANGE', index(1), '-', '(' .. ARGV[6], 'BYLEX', 'LIMIT', 0, count + 500)
end
if #dropped > 0 then
  for k, entry in ipairs(dropped) do dropped[k] = key_in(entry) end
  for v = 0, m.indexed do removed[v] = {} end
  -- As a deleted row, so that an older batch does not bring it back.
  local markers, marks = {}, {}
  for k, stored in ipairs(redis.call('HMGET', rows, unpack(dropped))) do
    local entries = entries_of(stored, dropped[k])
    for v = 0, m.indexed do removed[v][k] = entries[v] end
    markers[2 * k - 1], markers[2 * k] = dropped[k], batch_of(stored) .. '|'
    marks[2 * k - 1], marks[2 * k] = ARGV[5], dropped[k]
  end
  for v = 0, m.indexed do call('ZREM', index(v), removed[v]) end
  call('HSET', rows, markers)
  call('ZADD', gone, marks)
end
redis.call('HSET', rows, '${nextField}', ARGV[3], 'epoch', ARGV[1], 'listed', redis.call('ZCARD', KEYS[3]))
return {'applied', outdated, #dropped}
`

/**
 * ARGV epoch of replay, 1 to freeze or 0 to unfreeze.
 * Returns {'done', next}, or, with nothing changed, {'lost'}, {'fenced', newer epoch}.
 */
export const freeze = `${intact}
if not m then return {'lost'} end
if tonumber(ARGV[1]) < tonumber(m.fence) then return {'fenced', m.fence} end
redis.call('HSET', rows, 'fence', ARGV[1])
if ARGV[2] == '1' then redis.call('HSET', rows, 'frozen', '1') else redis.call('HDEL', rows, 'frozen') end
return {'done', m.next}
`

/** Returns {next offset, rows, epoch, 1 if frozen}, or {false}. */
export const status = `${intact}
if not m then return {false} end
return {m.next, m.listed, m.epoch, m.frozen or '0'}
`

/**
 * ARGV which index, from 0, start, stop, 1 for descending, count, 1 for the rows too.
 * Returns {next offset, entries…}, or {false}. With rows {next offset, text}: of each row its entry, a
 * NUL (after its own), what is stored of it, two NULs. A hundred rows are read sooner from one text.
 */
export const scan = `${intact}
if not m then return {false} end
local found
if ARGV[4] == '1' then
  found = redis.call('ZRANGE', index(ARGV[1]), ARGV[3], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[5])
else
  found = redis.call('ZRANGE', index(ARGV[1]), ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[5])
end
if ARGV[6] == '1' then
  local keys, texts = found, {}
  if ARGV[1] ~= '0' then
    keys = {}
    for i, entry in ipairs(found) do keys[i] = key_in(entry) end
  end
  local stored = #keys > 0 and redis.call('HMGET', rows, unpack(keys)) or {}
  for i, entry in ipairs(found) do
    local n = 4 * i
    texts[n - 3], texts[n - 2], texts[n - 1], texts[n] = entry, '\\0', stored[i], '\\0\\0'
  end
  return {m.next, table.concat(texts)}
end
table.insert(found, 1, m.next)
return found
`

/** ARGV which index, from 0, then start and stop of each range. Returns {next offset, entries}, or {false}. */
export const count = `${intact}
if not m then return {false} end
local total = 0
for i = 2, #ARGV, 2 do
  total = total + redis.call('ZLEXCOUNT', index(ARGV[1]), ARGV[i], ARGV[i + 1])
end
return {m.next, total}
`

/**
 * KEYS pointer; ARGV epoch, release. Sets the live release unless a newer epoch is stored.
 * Returns {epoch, release} as they are now.
 */
export const point = `
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'release')
if stored[1] and tonumber(stored[1]) >= tonumber(ARGV[1]) then return stored end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'release', ARGV[2])
return {ARGV[1], ARGV[2]}
`

/**
 * KEYS pointer; ARGV field, text that it has ('' for none), text that it shall have.
 * Returns the text that it has now.
 */
export const tell = `
local stored = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stored ~= ARGV[2] then return stored end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return ARGV[3]
`
