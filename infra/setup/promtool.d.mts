/**
 * The promtool of infra/versions.json, in the cache of the set-up: built from its Go module the first
 * time, which takes some minutes. undefined on a machine without Go.
 * @throws SetupProblem
 */
export function buildPromtool(): Promise<string | undefined>
