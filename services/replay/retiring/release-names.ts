/** Which release something belongs to, as its name tells. */
export interface ReleaseName {
  readonly application: string
  readonly release: number
}

/** As `loadApplication` demands them: without dots and slashes, which tell the parts of a name apart. */
const application = '([a-z][a-z0-9-]{0,40})'
const view = '[a-z][a-z0-9_]{0,62}'
const release = '([1-9]\\d{0,8})'

const changelogTail = new RegExp(`^${application}\\.${release}\\.${view}$`)
const groupTail = new RegExp(`^${application}\\.${release}$`)
const folder = new RegExp(`^${application}/${release}$`)

/** The release of a changelog topic of this installation; undefined for any other topic. */
export function parseChangelogTopic(namespace: string, topic: string): ReleaseName | undefined {
  return parse(changelogTail, `${namespace}.changelog.`, topic)
}

/** The release of a consumer group of results of this installation; undefined for any other group. */
export function parseResultsGroup(namespace: string, group: string): ReleaseName | undefined {
  return parse(groupTail, `${namespace}.results.`, group)
}

/** The release of `<application>/<release>`; undefined for anything else. */
export function parseReleasePath(path: string): ReleaseName | undefined {
  return parse(folder, '', path)
}

function parse(tail: RegExp, prefix: string, name: string): ReleaseName | undefined {
  if (!name.startsWith(prefix)) return undefined
  const [, found, number] = tail.exec(name.slice(prefix.length)) ?? []
  return found === undefined ? undefined : { application: found, release: Number(number) }
}
