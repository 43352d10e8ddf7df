import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { errorOfDetails, errorOfStatus, transportError } from '@kappa/spark-connect/error-mapping'
import { ErrorInfoSchema } from '../generated/google/rpc/error_details_pb.js'
import { FetchErrorDetailsResponseSchema } from '../generated/spark/connect/base_pb.js'

test('transport failures have kinds; what Spark says is none', () => {
  const kindOf = (code: Code, message: string) =>
    transportError(new ConnectError(message, code))?.kind
  assert.equal(kindOf(Code.Unavailable, 'connect ECONNREFUSED'), 'unavailable')
  assert.equal(kindOf(Code.Unauthenticated, 'Invalid authentication token'), 'unauthenticated')
  assert.equal(kindOf(Code.DeadlineExceeded, 'the operation timed out'), 'deadline')
  assert.equal(kindOf(Code.Canceled, 'This operation was aborted'), 'cancelled')
  assert.equal(
    kindOf(Code.Canceled, 'http/2 stream closed with error code CANCEL (0x8)'),
    'unavailable',
  )
  assert.equal(kindOf(Code.Unimplemented, 'HTTP 404'), 'protocol')
  assert.equal(kindOf(Code.Internal, '[DIVIDE_BY_ZERO] Division by zero.'), undefined)
})

test('a session that was closed or lost in a restart is session_closed', () => {
  for (const name of ['SESSION_CLOSED', 'SESSION_CHANGED', 'SESSION_NOT_FOUND']) {
    const message = `[INVALID_HANDLE.${name}] The handle x is invalid. SQLSTATE: HY000`
    assert.equal(transportError(new ConnectError(message, Code.Internal))?.kind, 'session_closed')
  }
})

test('without details, class and SQLSTATE come from the status', () => {
  const info = create(ErrorInfoSchema, {
    reason: 'org.apache.spark.sql.AnalysisException',
    domain: 'org.apache.spark',
    metadata: { errorId: '1', errorClass: 'UNRESOLVED_COLUMN.WITH_SUGGESTION', sqlState: '42703' },
  })
  const status = new ConnectError('[UNRESOLVED_COLUMN', Code.Internal, undefined, [
    { desc: ErrorInfoSchema, value: info },
  ])
  assert.equal(transportError(status), undefined)
  const error = errorOfStatus(status)
  assert.equal(error.errorClass, 'UNRESOLVED_COLUMN.WITH_SUGGESTION')
  assert.equal(error.sqlState, '42703')
  assert.equal(error.javaClass, 'org.apache.spark.sql.AnalysisException')
})

test('the root cause is the deepest error that Spark classified, not its wrappers', () => {
  const error = errorOfDetails(
    create(FetchErrorDetailsResponseSchema, {
      rootErrorIdx: 0,
      errors: [
        {
          errorTypeHierarchy: ['org.apache.spark.sql.streaming.StreamingQueryException'],
          message: '[STREAM_FAILED] Query terminated\n=== Streaming Query ===\nIdentifier: f\n',
          causeIdx: 1,
          sparkThrowable: { errorClass: 'STREAM_FAILED' },
        },
        {
          errorTypeHierarchy: ['org.apache.spark.SparkException'],
          message: 'Job aborted',
          causeIdx: 2,
        },
        {
          errorTypeHierarchy: ['org.apache.spark.SparkArithmeticException'],
          message:
            '[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== SQL (line 2, position 8) ==\nx',
          causeIdx: 3,
          sparkThrowable: {
            errorClass: 'DIVIDE_BY_ZERO',
            sqlState: '22012',
            queryContexts: [{ fragment: '1/0', summary: '== SQL (line 2, position 8) ==\n1/0' }],
          },
        },
        {
          errorTypeHierarchy: ['java.lang.ArithmeticException'],
          message: '/ by zero',
          causeIdx: 0,
        },
      ],
    }),
  )
  assert.equal(error?.message, '[STREAM_FAILED] Query terminated')
  assert.equal(error?.rootCause.errorClass, 'DIVIDE_BY_ZERO')
  assert.deepEqual(error?.rootCause.position, { line: 2, startPosition: 8, fragment: '1/0' })
  assert.equal(error?.cause?.cause?.cause?.cause, undefined, 'a cycle of causes ends')
})

test('an analysis error loses its plan and keeps its sentence', () => {
  const message =
    "[TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found. SQLSTATE: 42P01; line 2 pos 1;\n'Project [*]\n+- 'UnresolvedRelation [t]\n"
  const error = errorOfDetails(
    create(FetchErrorDetailsResponseSchema, {
      rootErrorIdx: 0,
      errors: [{ message, sparkThrowable: { errorClass: 'TABLE_OR_VIEW_NOT_FOUND' } }],
    }),
  )
  assert.match(error?.message ?? '', /SQLSTATE: 42P01; line 2 pos 1$/)
  assert.deepEqual(error?.position, { line: 2, startPosition: 2 })
})

test('an error that the server forgot has no details', () => {
  assert.equal(errorOfDetails(create(FetchErrorDetailsResponseSchema, {})), undefined)
})
