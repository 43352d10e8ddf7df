import { type Static, Type } from 'typebox'

/** What a promotion or rollback did, or (dry run) would do. */
export const switchOutcome = Type.Object({
  application: Type.String(),
  from: Type.Union([Type.Integer(), Type.Null()]),
  to: Type.Integer(),
  done: Type.Boolean({ description: 'false: asked for, going on, or a dry run.' }),
  allowed: Type.Boolean(),
  reason: Type.Union([Type.String(), Type.Null()], {
    description: 'Why it is not allowed, or what it waits for.',
  }),
  frozen_ms: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Milliseconds for which rows stood still for readers.',
  }),
})

export type SwitchOutcome = Static<typeof switchOutcome>
