import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launcherConformance } from './conformance.ts'
import { kubernetesRig } from './kubernetes-rig.ts'

launcherConformance('kubernetes', () =>
  kubernetesRig(mkdtempSync(join(tmpdir(), 'kappa-launcher-'))),
)
