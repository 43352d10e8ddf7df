import { launcherConformance } from './conformance.ts'
import { localRig } from './local-rig.ts'

launcherConformance('local', localRig)
