import { launcherConformance } from './conformance.ts'
import { staticRig } from './static-rig.ts'

// With a master, a worker and executors a slot it is the same in what replay relies on, and slower.
launcherConformance('static, executors in workers', () => staticRig('in a worker'))
