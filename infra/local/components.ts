import { LocalError } from './local-error.ts'

/** Where the set-up has put what the stack runs. */
export interface Components {
  readonly java: string
  readonly kafkaJarsFolder: string
  readonly sparkJarsFolder: string
  readonly weed: string
  readonly valkeyServer: string
}

/** @throws LocalError a script was started without the set-up (npm run …) */
export function readComponents(env: NodeJS.ProcessEnv = process.env): Components {
  return {
    java: env.KAPPA_JAVA ?? 'java',
    kafkaJarsFolder: required(env, 'KAPPA_KAFKA_JARS_FOLDER'),
    sparkJarsFolder: required(env, 'KAPPA_SPARK_JARS_FOLDER'),
    weed: required(env, 'KAPPA_WEED'),
    valkeyServer: required(env, 'KAPPA_VALKEY_SERVER'),
  }
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]
  if (value !== undefined && value !== '') return value
  throw new LocalError(
    `${name} is not set. Start through npm (npm start, npm test), or: node infra/setup/run.mjs <script>`,
  )
}
