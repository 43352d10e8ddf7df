import type { IncomingHttpHeaders } from 'node:http'
import { type Envelope, type EventBatch, MalformedEvent } from './event-batch.ts'
import { memberBytes } from './json-spans.ts'

/**
 * CloudEvents 1.0 over HTTP: structured and batched (JSON event format) and binary mode.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 * The event is the envelope's data; its attributes become `ce_` headers of the record, as in the
 * Kafka protocol binding.
 */

const attributeName = /^[a-z0-9]{1,64}$/
const attributeBytesMax = 4_096
/** Members of the JSON format that are no attributes. */
const notAttributes = new Set(['data', 'data_base64'])

/** Reads the data and the envelope of each CloudEvent. */
export function unwrapCloudEvents(batch: EventBatch): EventBatch {
  const opened = batch.values.map(open)
  return {
    values: opened.map(({ value }) => value),
    envelopes: opened.map(({ envelope }) => envelope),
    payload: (index) => {
      const whole = batch.payload(index)
      return opened[index]?.envelope === undefined ? whole : (memberBytes(whole, 'data') ?? whole)
    },
  }
}

/** The body of a request in binary mode is the data; the attributes are its `ce-` headers. */
export function unwrapBinaryCloudEvent(
  batch: EventBatch,
  headers: IncomingHttpHeaders,
): EventBatch {
  const attributes: Record<string, unknown> = { datacontenttype: 'application/json' }
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-')) attributes[name.slice('ce-'.length)] = percentDecoded(String(value))
  }
  const { value, envelope } = open({ ...attributes, data: batch.values[0] })
  return { values: [value], envelopes: [envelope], payload: batch.payload }
}

interface Opened {
  readonly value: unknown
  readonly envelope?: Envelope
}

function open(event: unknown): Opened {
  if (event instanceof MalformedEvent) return { value: event }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return malformed('a CloudEvent is an object with specversion, id, source, type and data', '$')
  }
  const members = event as Readonly<Record<string, unknown>>
  if (members.specversion !== '1.0') {
    return malformed('specversion has to be "1.0"', '$.specversion')
  }
  for (const name of ['id', 'source', 'type']) {
    const value = members[name]
    if (typeof value !== 'string' || value === '') {
      return malformed(`${name} has to be a text that is not empty`, `$.${name}`)
    }
  }
  // The id of an event is source, space, id: a source is a URI reference and so has no space.
  if (/\s/.test(String(members.source))) {
    return malformed('source is a URI reference, which has no spaces', '$.source')
  }
  if (members.data_base64 !== undefined) {
    return malformed('data has to be JSON, not data_base64', '$.data_base64')
  }
  if (members.data === undefined) return malformed('data is missing: it is the event', '$.data')
  if (!isJsonType(members.datacontenttype)) {
    return malformed('datacontenttype has to be application/json', '$.datacontenttype')
  }
  const headers: Record<string, string> = {}
  let bytes = 0
  for (const [name, value] of Object.entries(members)) {
    if (notAttributes.has(name) || value === null) continue
    if (!attributeName.test(name)) {
      return malformed(
        `"${name.slice(0, 80)}" is not the name of an attribute: lower case letters and digits`,
        '$',
      )
    }
    if (typeof value === 'object') {
      return malformed(`${name} has to be a text, a number or a boolean`, `$.${name}`)
    }
    headers[`ce_${name}`] = String(value)
    bytes += name.length + Buffer.byteLength(String(value))
  }
  if (bytes > attributeBytesMax) {
    return malformed(`the attributes take ${bytes} bytes; the bound is ${attributeBytesMax}`, '$')
  }
  return { value: members.data, envelope: { id: `${members.source} ${members.id}`, headers } }
}

function isJsonType(type: unknown): boolean {
  if (type === undefined || type === null) return true
  return typeof type === 'string' && /^(application|text)\/([\w.-]+\+)?json\s*(;.*)?$/i.test(type)
}

/** Attribute values in HTTP headers are percent-encoded; what is not valid stays as it is. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function malformed(message: string, path: string): Opened {
  return { value: new MalformedEvent('bad_cloudevent', message, path) }
}
