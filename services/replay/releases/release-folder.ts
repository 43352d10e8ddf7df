/** What a release has in the object store, below the installation's namespace. */
export const releaseFolderKinds = ['checkpoints', 'datasets'] as const

export type ReleaseFolderKind = (typeof releaseFolderKinds)[number]

/** The prefix of all keys of one kind of a release; ends in a slash. */
export function releaseFolder(
  kind: ReleaseFolderKind,
  application: string,
  release: number,
): string {
  return `${kind}/${application}/${release}/`
}
