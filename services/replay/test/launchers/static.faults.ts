import { launcherConformance } from './conformance.ts'
import { staticRig } from './static-rig.ts'

launcherConformance('static', () => staticRig('in the driver'))
