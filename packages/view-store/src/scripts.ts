/**
 * What runs inside Redis. Each script touches one partition of one view, all keys in one hash
 * slot, and nothing comes between its reads and its writes.
 *
 * - rows      hash: key -> `<batch>|<lengths>|<indexed values><row>`; an empty row marks a deleted one
 * - gone      sorted set: keys of deleted rows, by the changelog's time of the deletion
 * - meta      hash: next (offset), epoch (of the owner), the sizes of the others: entries (of rows),
 *             listed (of each index); indexed (indexes but the first); layout; fence (newest epoch of replay that was seen), and
 *             frozen while it is so
 * - indexes   sorted sets, all scores 0, so in the order of their bytes: the first of the keys of
 *             rows, the others of `<indexed value><key>`
 *
 * Keys and indexed values are sortable texts. An indexed value ends with the only NUL in it, and a
 * key is what follows.
 *
 * KEYS are rows gone meta index0, except of `point` and `tell`. How many indexes there are is in meta;
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

/** Of what is stored: one of another layout is as good as lost. */
const layout = '3'

/** What other layouts had beside the keys of this one. */
const oldParts = `{'keys', 'time'}`

/** Indexes but the first that a view may have: a digit tells them apart. */
export const indexedMax = 9

/** A Redis that lost or evicted a part of a partition must never pass for one that has all. */
const intact = `
local rows, gone, meta = KEYS[1], KEYS[2], KEYS[3]
local function index(i) return string.sub(KEYS[4], 1, -2) .. i end
local function intact()
  local m = redis.call('HMGET', meta,
    'next', 'epoch', 'entries', 'listed', 'frozen', 'fence', 'indexed', 'layout')
  if not m[1] or m[8] ~= '${layout}' then return nil end
  if redis.call('HLEN', rows) ~= tonumber(m[3]) then return nil end
  for i = 0, tonumber(m[7]) do
    if redis.call('ZCARD', index(i)) ~= tonumber(m[4]) then return nil end
  end
  return m
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
if m and tonumber(m[2]) >= epoch then epoch = tonumber(m[2]) + 1 end
local text = string.format('%.0f', epoch)
local fence = math.max(tonumber(redis.call('HGET', meta, 'fence') or '0'), tonumber(ARGV[2]))
fence = string.format('%.0f', fence)
if m and m[7] == ARGV[3] then
  redis.call('HSET', meta, 'epoch', text, 'fence', fence)
  return {text, m[1], 0}
end
redis.call('UNLINK', unpack(KEYS))
for i = 1, ${indexedMax} do redis.call('UNLINK', index(i)) end
for _, part in ipairs(${oldParts}) do
  redis.call('UNLINK', string.sub(KEYS[4], 1, -#'index0' - 1) .. part)
end
redis.call('HSET', meta, 'next', ARGV[1], 'epoch', text, 'fence', fence,
  'entries', 0, 'listed', 0, 'indexed', ARGV[3], 'layout', '${layout}')
return {text, ARGV[1], 1}
`

/**
 * ARGV epoch, offset from which the records were read, offset after the last one, markers older than
 * this changelog time go, changelog time of the records, then for each record key, batch, row
 * (row '' deletes) and its value in each index but the first.
 * Returns {'applied', outdated records}, or, with nothing changed, {'lost'}, {'fenced', next}
 * for an older epoch, {'frozen', next}, {'elsewhere', next} for another offset than the stored one.
 */
export const apply = `${intact}
if not m then return {'lost'} end
if tonumber(ARGV[1]) < tonumber(m[2]) then return {'fenced', m[1]} end
if m[5] then return {'frozen', m[1]} end
if ARGV[2] ~= m[1] then return {'elsewhere', m[1]} end
local listing = KEYS[4]
local indexed = tonumber(m[7])
local function parse(stored)
  local first = string.find(stored, '|', 1, true)
  local second = string.find(stored, '|', first + 1, true)
  local values, at = {}, second + 1
  for length in string.gmatch(string.sub(stored, first + 1, second - 1), '%d+') do
    table.insert(values, string.sub(stored, at, at + length - 1))
    at = at + length
  end
  return tonumber(string.sub(stored, 1, first - 1)), values, at <= #stored
end
local outdated = 0
for i = 6, #ARGV, 3 + indexed do
  local key, batch, row = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local old = redis.call('HGET', rows, key)
  local old_batch, old_values, had_row
  if old then old_batch, old_values, had_row = parse(old) end
  if old and tonumber(batch) < old_batch then
    outdated = outdated + 1
  else
    local lengths, values = {}, {}
    for v = 1, indexed do
      local value = row == '' and '' or ARGV[i + 2 + v]
      lengths[v], values[v] = #value, value
      local moves = not had_row or old_values[v] ~= value
      if had_row and moves then redis.call('ZREM', index(v), old_values[v] .. key) end
      if row ~= '' and moves then redis.call('ZADD', index(v), 0, value .. key) end
    end
    local header = batch .. '|' .. table.concat(lengths, ',') .. '|'
    if row == '' then header = batch .. '||' end
    redis.call('HSET', rows, key, header .. table.concat(values) .. row)
    if row == '' then
      if had_row then redis.call('ZREM', listing, key) end
      redis.call('ZADD', gone, ARGV[5], key)
    else
      if not had_row then redis.call('ZADD', listing, 0, key) end
      if old and not had_row then redis.call('ZREM', gone, key) end
    end
  end
end
for _, key in ipairs(redis.call('ZRANGE', gone, '-inf', '(' .. ARGV[4], 'BYSCORE', 'LIMIT', 0, 500)) do
  redis.call('HDEL', rows, key)
  redis.call('ZREM', gone, key)
end
redis.call('HSET', meta, 'next', ARGV[3], 'epoch', ARGV[1],
  'entries', redis.call('HLEN', rows), 'listed', redis.call('ZCARD', listing))
return {'applied', outdated}
`

/**
 * ARGV epoch of replay, 1 to freeze or 0 to unfreeze.
 * Returns {'done', next}, or, with nothing changed, {'lost'}, {'fenced', newer epoch}.
 */
export const freeze = `${intact}
if not m then return {'lost'} end
if tonumber(ARGV[1]) < tonumber(m[6] or '0') then return {'fenced', m[6]} end
redis.call('HSET', meta, 'fence', ARGV[1])
if ARGV[2] == '1' then redis.call('HSET', meta, 'frozen', '1') else redis.call('HDEL', meta, 'frozen') end
return {'done', m[1]}
`

/** Returns {next offset, rows, epoch, 1 if frozen}, or {false}. */
export const status = `${intact}
if not m then return {false} end
return {m[1], m[4], m[2], m[5] or '0'}
`

/**
 * ARGV which index, from 0, start, stop, 1 for descending, count.
 * Returns {next offset, entries…}, or {false}.
 */
export const scan = `${intact}
if not m then return {false} end
local found
if ARGV[4] == '1' then
  found = redis.call('ZRANGE', index(ARGV[1]), ARGV[3], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[5])
else
  found = redis.call('ZRANGE', index(ARGV[1]), ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[5])
end
table.insert(found, 1, m[1])
return found
`

/** ARGV which index, from 0, then start and stop of each range. Returns {next offset, entries}, or {false}. */
export const count = `${intact}
if not m then return {false} end
local total = 0
for i = 2, #ARGV, 2 do
  total = total + redis.call('ZLEXCOUNT', index(ARGV[1]), ARGV[i], ARGV[i + 1])
end
return {m[1], total}
`

/** ARGV keys. Returns {next offset, stored rows…}, or {false}. */
export const read = `${intact}
if not m then return {false} end
local found = redis.call('HMGET', rows, unpack(ARGV))
table.insert(found, 1, m[1])
return found
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
