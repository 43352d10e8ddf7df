import fc from 'fast-check'

/** A value as somebody may send it, and the one form in which it is read back. */
export interface Form {
  readonly sent: unknown
  readonly read: unknown
}

/** A schema and values of it. */
export interface Sample {
  readonly schema: unknown
  readonly values: fc.Arbitrary<Form>
  /** Values that Avro's JSON form of defaults says alike, with what is read for them. */
  readonly defaults?: readonly { readonly avro: unknown; readonly read: unknown }[]
}

const same = (read: unknown): Form => ({ sent: read, read })
const sameAs = (values: fc.Arbitrary<unknown>) => values.map(same)

const base64 = (length: { minLength?: number; maxLength: number }) =>
  fc.uint8Array(length).map((bytes) => Buffer.from(bytes).toString('base64'))

/** Between the years 1 and 9999, which Spark, SQL and Python know. */
const instants = fc.tuple(
  fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  }),
  fc.nat({ max: 999 }),
)
const isoOf = (date: Date, micros: number, fraction: 3 | 6) =>
  date.toISOString().slice(0, -1) + (fraction === 6 ? String(micros).padStart(3, '0') : '')
const iso = (fraction: 3 | 6, from = 0, to = 26) =>
  instants.map(([date, micros]) => isoOf(date, micros, fraction).slice(from, to))

function timestamps(fraction: 3 | 6): fc.Arbitrary<Form> {
  return fc
    .tuple(instants, fc.constantFrom('iso', 'number', 'zone'))
    .map(([[date, micros], form]) => {
      const read = `${isoOf(date, micros, fraction)}Z`
      const ms = date.getTime()
      const number = fraction === 3 ? ms : ms * 1000 + micros
      if (form === 'number' && Number.isSafeInteger(number)) return { sent: number, read }
      const hourLater = new Date(ms + 3_600_000)
      if (form !== 'zone' || hourLater.getUTCFullYear() > 9999) return same(read)
      return { sent: `${isoOf(hourLater, micros, fraction)}+01:00`, read }
    })
}

function decimals(digits: number, scale: number): fc.Arbitrary<Form> {
  const bound = 10n ** BigInt(digits) - 1n
  return fc.tuple(fc.bigInt({ min: -bound, max: bound }), fc.boolean()).map(([value, cut]) => {
    const text = String(value < 0n ? -value : value).padStart(scale + 1, '0')
    const read = `${value < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
    return { sent: cut ? read.replace(/\.?0+$/, '') : read, read }
  })
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const longs = fc
  .tuple(fc.oneof(int64, fc.maxSafeInteger().map(BigInt)), fc.boolean())
  .map(([value, asText]) => {
    const read = Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    return { sent: asText ? String(value) : read, read }
  })
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed())
const longText = fc
  .tuple(fc.constantFrom('x', 'é', '€', '😀'), fc.nat({ max: 3000 }))
  .map(([letter, count]) => letter.repeat(count))
const uuids = fc.tuple(fc.uuid(), fc.boolean()).map(([read, upper]) => ({
  sent: upper ? read.toUpperCase() : read,
  read,
}))

const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more })

const scalars: Sample[] = [
  { schema: 'boolean', values: sameAs(fc.boolean()), defaults: [{ avro: true, read: true }] },
  {
    schema: 'int',
    values: sameAs(fc.integer().map((value) => value | 0)),
    defaults: [{ avro: -7, read: -7 }],
  },
  { schema: 'long', values: longs, defaults: [{ avro: 5_000_000_000, read: 5_000_000_000 }] },
  {
    schema: 'float',
    values: sameAs(fc.float({ noNaN: true, noDefaultInfinity: true })),
    defaults: [{ avro: 0.5, read: 0.5 }],
  },
  { schema: 'double', values: sameAs(fc.double({ noNaN: true, noDefaultInfinity: true })) },
  {
    schema: 'string',
    values: sameAs(fc.oneof({ weight: 9, arbitrary: text }, { weight: 1, arbitrary: longText })),
    defaults: [{ avro: 'é', read: 'é' }],
  },
  {
    schema: 'bytes',
    values: sameAs(base64({ maxLength: 40 })),
    defaults: [{ avro: '\u0000\u00ff', read: 'AP8=' }],
  },
  { schema: logical('string', 'uuid'), values: uuids },
  {
    schema: logical('long', 'timestamp-millis'),
    values: timestamps(3),
    defaults: [{ avro: 1, read: '1970-01-01T00:00:00.001Z' }],
  },
  { schema: logical('long', 'timestamp-micros'), values: timestamps(6) },
  { schema: logical('long', 'local-timestamp-millis'), values: sameAs(iso(3)) },
  { schema: logical('long', 'local-timestamp-micros'), values: sameAs(iso(6)) },
  {
    schema: logical('int', 'date'),
    values: sameAs(iso(3, 0, 10)),
    defaults: [{ avro: 1, read: '1970-01-02' }],
  },
  { schema: logical('int', 'time-millis'), values: sameAs(iso(3, 11)) },
  { schema: logical('long', 'time-micros'), values: sameAs(iso(6, 11)) },
  {
    schema: logical('bytes', 'decimal', { precision: 38, scale: 9 }),
    values: decimals(38, 9),
    defaults: [{ avro: '\u0001\u0000', read: '0.000000256' }],
  },
]

/** Named types need names of their own within a schema. */
let names = 0

const named: (() => Sample)[] = [
  () => ({
    schema: { type: 'enum', name: `E${++names}`, symbols: ['RED', 'GREEN', 'BLUE'] },
    values: sameAs(fc.constantFrom('RED', 'GREEN', 'BLUE')),
    defaults: [{ avro: 'BLUE', read: 'BLUE' }],
  }),
  () => ({
    schema: { type: 'fixed', name: `F${++names}`, namespace: 'other.names', size: 5 },
    values: sameAs(base64({ minLength: 5, maxLength: 5 })),
  }),
  () => ({
    schema: logical('fixed', 'decimal', { name: `F${++names}`, size: 9, precision: 20, scale: 4 }),
    values: decimals(20, 4),
  }),
  () => {
    const name = `List${++names}`
    const next = { name: 'next', type: ['null', name], default: null }
    return {
      schema: { type: 'record', name, fields: [{ name: 'label', type: 'string' }, next] },
      values: fc.array(text, { minLength: 1, maxLength: 4 }).map((labels) =>
        labels.reduceRight<Form>(
          (rest, label) => ({
            sent: rest.sent === null ? { label } : { label, next: rest.sent },
            read: { label, next: rest.read },
          }),
          same(null),
        ),
      ),
    }
  },
]

const scalar = fc.oneof(
  fc.constantFrom(...scalars),
  fc.constantFrom(...named).map((make) => make()),
)

function nullable(sample: Sample, nullFirst: boolean): Sample {
  return {
    schema: nullFirst ? ['null', sample.schema] : [sample.schema, 'null'],
    values: fc.oneof(
      { weight: 1, arbitrary: fc.constant(same(null)) },
      { weight: 4, arbitrary: sample.values },
    ),
    ...(nullFirst ? { defaults: [{ avro: null, read: null }] } : {}),
  }
}

/** A union of types that JSON tells apart, each with its values. */
function unionOf(items: Sample, field: Sample, order: readonly number[]): Sample {
  const branches: Sample[] = [
    { schema: 'null', values: sameAs(fc.constant(null)) },
    { schema: 'boolean', values: sameAs(fc.boolean()) },
    { schema: 'long', values: sameAs(fc.maxSafeInteger()) },
    { schema: 'string', values: sameAs(text) },
    arrayOf(items),
    recordWith([field]),
  ]
  const chosen = order.flatMap((index) => branches[index] ?? [])
  return {
    schema: chosen.map((branch) => branch.schema),
    values: fc.oneof(...chosen.map((branch) => branch.values)),
  }
}

function arrayOf(sample: Sample): Sample {
  return {
    schema: { type: 'array', items: sample.schema },
    values: fc.array(sample.values, { maxLength: 4 }).map((items) => ({
      sent: items.map(({ sent }) => sent),
      read: items.map(({ read }) => read),
    })),
    defaults: [{ avro: [], read: [] }],
  }
}

function mapOf(sample: Sample): Sample {
  // avsc, the other side of the test, cannot hold `__proto__` as a key of a map.
  const keys = text.filter((key) => key !== '__proto__')
  return {
    schema: { type: 'map', values: sample.schema },
    values: fc
      .uniqueArray(fc.tuple(keys, sample.values), { selector: ([key]) => key, maxLength: 4 })
      .map((entries) => ({
        sent: Object.fromEntries(entries.map(([key, { sent }]) => [key, sent])),
        read: Object.fromEntries(entries.map(([key, { read }]) => [key, read])),
      })),
    defaults: [{ avro: {}, read: {} }],
  }
}

function recordWith(samples: readonly Sample[]): Sample {
  const fields = samples.map((sample, index) => ({ sample, name: `f${index}` }))
  const forms = fields.map(({ sample }) => {
    const absent = sample.defaults?.map(({ read }): Form => ({ sent: undefined, read })) ?? []
    return absent.length === 0 ? sample.values : fc.oneof(sample.values, fc.constantFrom(...absent))
  })
  return {
    schema: {
      type: 'record',
      name: `R${++names}`,
      fields: fields.map(({ name, sample }) => {
        const [given] = sample.defaults ?? []
        return {
          name,
          type: sample.schema,
          ...(given === undefined ? {} : { default: given.avro }),
        }
      }),
    },
    values: fc.tuple(...forms).map((values) => ({
      sent: Object.fromEntries(fields.map(({ name }, index) => [name, values[index]?.sent])),
      read: Object.fromEntries(fields.map(({ name }, index) => [name, values[index]?.read])),
    })),
  }
}

const { sample: samples } = fc.letrec<{ sample: Sample; plain: Sample }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    tie('sample').map(arrayOf),
    tie('sample').map(mapOf),
    fc.array(tie('sample'), { maxLength: 4 }).map(recordWith),
  ),
  sample: fc.oneof(
    { maxDepth: 3 },
    tie('plain'),
    fc.tuple(tie('plain'), fc.boolean()).map(([sample, nullFirst]) => nullable(sample, nullFirst)),
    fc
      .tuple(tie('plain'), tie('plain'), fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1 }))
      .map(([items, field, order]) => unionOf(items, field, order)),
  ),
}))

export interface Case {
  readonly schema: unknown
  readonly values: readonly Form[]
}

/** Random schemas, each with a few random values. */
export const cases: fc.Arbitrary<Case> = samples.chain(({ schema, values }) =>
  fc.array(values, { minLength: 1, maxLength: 5 }).map((list) => ({ schema, values: list })),
)

/** JSON has no minus zero, and leaves out what is undefined. */
export function throughJson(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown)
}
