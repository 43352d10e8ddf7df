/**
 * Makes sure that every component named is complete and verified in the cache.
 * @returns component -> folder
 * @throws SetupProblem
 */
export function fetchComponents(names: readonly string[]): Promise<Record<string, string>>
