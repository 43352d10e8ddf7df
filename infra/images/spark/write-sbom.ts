/**
 * `node write-sbom.ts <jars folder> <file>`: writes the jars of the Spark image as a CycloneDX list,
 * with their checksums and, where a jar says it, their coordinates on Maven.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { readZipEntries } from '../../../packages/spark-connect/scripts/zip.ts'
import { sha256 } from '../../setup/checksums.mjs'

const [jarsFolder, file] = process.argv.slice(2)
if (jarsFolder === undefined || file === undefined) {
  throw new Error('Which folder has the jars, and which file gets the list?')
}
const components = []
for (const jar of readdirSync(jarsFolder).sort()) {
  components.push({
    type: 'library',
    ...(await coordinates(jar)),
    hashes: [{ alg: 'SHA-256', content: await sha256(join(jarsFolder, jar)) }],
    properties: [{ name: 'file', value: jar }],
  })
}
writeFileSync(
  file,
  JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components }, null, 2),
)

async function coordinates(jar: string): Promise<Record<string, string>> {
  const found = await readZipEntries(join(jarsFolder as string, jar), (name) =>
    /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/.test(name),
  )
  // A jar with others inside has several; its own is the one that it is named after.
  for (const text of found.values()) {
    const { groupId, artifactId, version } = parseEnv(text)
    if (jar === `${artifactId}-${version}.jar` && groupId && version) {
      const purl = `pkg:maven/${groupId}/${artifactId}@${version}`
      return { group: groupId, name: artifactId as string, version, purl }
    }
  }
  const [, name = jar, version] = /^(.+?)-(\d.*)\.jar$/.exec(jar) ?? []
  return { name, ...(version !== undefined && { version }) }
}
