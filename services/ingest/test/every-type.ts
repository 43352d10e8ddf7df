/**
 * A contract in three versions with every type of Avro that a contract may have, and an event of
 * it: as it is published, and, written down by hand, as others have to read it.
 */

const timestamp = { type: 'long', logicalType: 'timestamp-millis' }
const place = {
  type: 'record',
  name: 'Place',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'height', type: ['null', 'double'], default: null },
  ],
}
const note = { name: 'note', type: ['null', 'string'], default: null }

const first = {
  type: 'record',
  name: 'Everything',
  namespace: 'test',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: timestamp },
    { name: 'flag', type: 'boolean' },
    { name: 'small', type: 'int' },
    { name: 'large', type: 'long' },
    { name: 'single', type: 'float' },
    { name: 'double', type: 'double' },
    { name: 'raw', type: 'bytes' },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'clock_ms', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'clock_us', type: { type: 'long', logicalType: 'time-micros' } },
    { name: 'moment', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'local_ms', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    { name: 'local_us', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
    { name: 'uid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
    {
      name: 'weight',
      type: {
        type: 'fixed',
        name: 'Weight',
        size: 12,
        logicalType: 'decimal',
        precision: 24,
        scale: 3,
      },
    },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['ARRIVAL', 'DEPARTURE'] } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    { name: 'place', type: place },
    { name: 'either', type: ['null', 'int', 'string', 'Place'] },
    note,
  ],
}
const carrier = { name: 'carrier', type: 'string', default: 'none' }
const leg = { type: 'record', name: 'Leg', fields: [{ name: 'to', type: 'string' }] }
const legs = { name: 'legs', type: { type: 'array', items: leg }, default: [] }
const second = { ...first, fields: [...first.fields, carrier] }
const third = {
  ...first,
  fields: [...first.fields.filter((field) => field !== note), carrier, legs],
}

export const versions: readonly object[] = [first, second, third]

const same = {
  id: 'full',
  flag: true,
  small: -2_147_483_648,
  large: '9223372036854775807',
  double: 0.1,
  kind: 'DEPARTURE',
  tags: ['grüße', '✈', '𝄞', ''],
  counts: { a: 1, 'b c': -1 },
  place: { name: 'EWR', height: 5.5 },
  note: null,
}

/** Extremes, times before 1970, and what is easily mixed up. */
export const published = {
  ...same,
  at: '2013-01-01T06:17:00.123+01:00',
  single: 0.1,
  raw: 'AP+A',
  day: '1969-12-31',
  clock_ms: '23:59:59.999',
  clock_us: '00:00:00.000001',
  moment: '1969-12-31T23:59:59.999999Z',
  local_ms: '2013-07-01T12:00:00.5',
  local_us: '2013-07-01T12:00:00.000007',
  uid: 'F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6',
  price: '-12.50',
  weight: '123456789012345678901.001',
  hash: '3q2+7w==',
  either: { name: 'SFO' },
}

/** In the form of test/python/plain.py. */
export const readByPython = {
  ...published,
  at: '2013-01-01T05:17:00.123000Z',
  single: 0.10000000149011612,
  clock_ms: '23:59:59.999000',
  local_ms: '2013-07-01T12:00:00.500000',
  uid: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  either: { name: 'SFO', height: null },
}

/** Without logical types, longs as bigint. */
export const readRaw = {
  ...same,
  at: 1_357_017_420_123n,
  large: 9_223_372_036_854_775_807n,
  single: 0.10000000149011612,
  raw: Buffer.from([0, 255, 128]),
  day: -1,
  clock_ms: 86_399_999,
  clock_us: 1n,
  moment: -1n,
  local_ms: 1_372_680_000_500n,
  local_us: 1_372_680_000_000_007n,
  uid: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  price: Buffer.from('fb1e', 'hex'),
  weight: Buffer.from('00001a249b1f10a06c96af09', 'hex'),
  hash: Buffer.from('deadbeef', 'hex'),
  either: { name: 'SFO', height: null },
}
