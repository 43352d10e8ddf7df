import { defaultCompatibility } from '@kappa/contracts/compatibility'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, tags } from '../registry-schemas.ts'

export const configAnswer = answer(
  Type.Object({ compatibilityLevel: Type.String() }, { title: 'RegistryConfig' }),
  'For example `FULL_TRANSITIVE`.',
)

/** `GET /config` */
export function readConfigRoute(http: Http): void {
  const schema = {
    summary: 'Read the compatibility of topics that name none (Schema Registry API)',
    tags,
    response: { 200: configAnswer },
  }
  http.get('/config', { schema }, async () => ({
    compatibilityLevel: defaultCompatibility.toUpperCase(),
  }))
}
