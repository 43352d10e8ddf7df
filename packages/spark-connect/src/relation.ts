import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ExpressionSchema } from '../generated/spark/connect/expressions_pb.js'
import type { RelationSchema } from '../generated/spark/connect/relations_pb.js'

export type Relation = MessageInitShape<typeof RelationSchema>
type RelType = NonNullable<Relation['relType']>
type Expression = MessageInitShape<typeof ExpressionSchema>

export const relationOf = (relType: RelType): Relation => ({ relType })

/** A SQL expression as text, e.g. `CAST(value AS STRING) AS v`. */
export const sqlExpression = (expression: string): Expression => ({
  exprType: { case: 'expressionString', value: { expression } },
})

export const planOf = (relation: Relation) =>
  ({ opType: { case: 'root', value: relation } }) as const
