import { Type } from 'typebox'

export const orphan = Type.Object({
  kind: Type.Enum(['topic', 'group', 'checkpoints', 'datasets', 'rows']),
  name: Type.String({ description: 'Topic, group, folder in the object store.' }),
  application: Type.String(),
  release: Type.Integer(),
})
