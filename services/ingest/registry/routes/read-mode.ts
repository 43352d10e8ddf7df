import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, tags } from '../registry-schemas.ts'

export const modeAnswer = answer(
  Type.Object({ mode: Type.Literal('READONLY') }, { title: 'RegistryMode' }),
  'Contracts live in git.',
)

/** `GET /mode` */
export function readModeRoute(http: Http): void {
  const schema = {
    summary: 'Read the mode: always READONLY (Schema Registry API)',
    tags,
    response: { 200: modeAnswer },
  }
  http.get('/mode', { schema }, async () => ({ mode: 'READONLY' }))
}
