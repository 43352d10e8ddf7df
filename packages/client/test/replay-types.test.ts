import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as releases from '@kappa/replay/overview/release-status'
import type * as wire from '@kappa/replay/replays/replay-schemas'
import type * as switching from '@kappa/replay/switching/switch-outcome'
import type { ApplicationStatus, ReleaseStatus } from '../src/release-status.ts'
import type {
  ComparisonRequest,
  ReplayDryRun,
  ReplayProgress,
  ReplayRequest,
  ReplayStatus,
  SwitchOutcome,
} from '../src/replay-status.ts'

/** Every property with its name, whether it may be left out, and its type, read-only throughout. */
type Plain<T> = T extends readonly (infer Item)[]
  ? readonly Plain<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Plain<T[Name]> }
    : T
type Identical<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Same<A, B> = Identical<Plain<A>, Plain<B>>
type Reads<Wire, Sdk> = Plain<Wire> extends Plain<Sdk> ? true : false

test("the SDK's types are those of the service's schemas", () => {
  // The compiler is who tests: `true` is no value of a type that says false.
  const same: {
    readonly request: Same<wire.ReplayRequest, ReplayRequest>
    readonly comparison: Same<wire.ComparisonRequest, ComparisonRequest>
    readonly status: Same<wire.ReplayStatus, ReplayStatus>
    readonly progress: Same<wire.ReplayProgress, ReplayProgress>
    readonly dryRun: Same<wire.ReplayDryRun, ReplayDryRun>
    readonly outcome: Same<switching.SwitchOutcome, SwitchOutcome>
  } = { request: true, comparison: true, status: true, progress: true, dryRun: true, outcome: true }
  // Of these the SDK leaves parts out.
  const reads: {
    readonly release: Reads<releases.ReleaseStatus, ReleaseStatus>
    readonly application: Reads<releases.ApplicationStatus, ApplicationStatus>
  } = { release: true, application: true }
  assert.ok(Object.values({ ...same, ...reads }).every(Boolean))
})

test('the comparison of types sees a name, an option and a value that differ', () => {
  const differ: {
    readonly name: Same<{ a: 1 }, { b: 1 }>
    readonly option: Same<{ a: 1 }, { a?: 1 }>
    readonly value: Same<{ a: { b: 1 | null } }, { a: { b: 1 } }>
    readonly more: Same<{ a: 1; b?: 2 }, { a: 1 }>
  } = { name: false, option: false, value: false, more: false }
  assert.ok(!Object.values(differ).some(Boolean))
})
