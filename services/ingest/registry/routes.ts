import type { Http } from '@kappa/service/http'
import { speakRegistry } from './registry-scope.ts'
import { checkAllCompatibilityRoute } from './routes/check-all-compatibility.ts'
import { checkCompatibilityRoute } from './routes/check-compatibility.ts'
import { listSchemaSubjectsRoute } from './routes/list-schema-subjects.ts'
import { listSchemaTypesRoute } from './routes/list-schema-types.ts'
import { listSchemaVersionsRoute } from './routes/list-schema-versions.ts'
import { listSchemasRoute } from './routes/list-schemas.ts'
import { listSubjectsRoute } from './routes/list-subjects.ts'
import { listVersionsRoute } from './routes/list-versions.ts'
import { lookUpSchemaRoute } from './routes/look-up-schema.ts'
import { readConfigRoute } from './routes/read-config.ts'
import { readModeRoute } from './routes/read-mode.ts'
import { readSchemaRoute } from './routes/read-schema.ts'
import { readSchemaItselfRoute } from './routes/read-schema-itself.ts'
import { readSubjectConfigRoute } from './routes/read-subject-config.ts'
import { readSubjectModeRoute } from './routes/read-subject-mode.ts'
import { readVersionRoute } from './routes/read-version.ts'
import { readVersionSchemaRoute } from './routes/read-version-schema.ts'
import { refuseChangesRoute } from './routes/refuse-changes.ts'
import { registerSchemaRoute } from './routes/register-schema.ts'
import type { Subjects } from './subjects.ts'

const routes: readonly ((http: Http, subjects: Subjects) => void)[] = [
  listSubjectsRoute,
  lookUpSchemaRoute,
  listVersionsRoute,
  registerSchemaRoute,
  readVersionRoute,
  readVersionSchemaRoute,
  listSchemasRoute,
  listSchemaTypesRoute,
  readSchemaRoute,
  readSchemaItselfRoute,
  listSchemaSubjectsRoute,
  listSchemaVersionsRoute,
  checkCompatibilityRoute,
  checkAllCompatibilityRoute,
  readConfigRoute,
  readSubjectConfigRoute,
  readModeRoute,
  readSubjectModeRoute,
  refuseChangesRoute,
]

/**
 * The read side of the Schema Registry API over the contracts, so that clients of a registry read
 * and write our topics unchanged.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export async function registryRoutes(http: Http, subjects: Subjects): Promise<void> {
  await http.register(async (scope) => {
    speakRegistry(scope)
    for (const route of routes) route(scope, subjects)
  })
}
