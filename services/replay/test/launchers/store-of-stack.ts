import { readFileSync } from 'node:fs'
import type { ObjectStoreSettings } from '@kappa/service/settings'
import { testStack } from '@kappa/test/stack'

/** The object store that tests run with. */
export function storeOfStack(): ObjectStoreSettings {
  const { s3 } = testStack()
  return { ...s3, ...JSON.parse(readFileSync(s3.credentialsFile, 'utf8')) }
}
