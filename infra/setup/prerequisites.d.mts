/** One sentence for each prerequisite that is missing or too old. */
export function missingPrerequisites(env?: NodeJS.ProcessEnv): Promise<string[]>
