import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { type ExpectedView, expectedViews } from '../oracle/flights.ts'
import { publishImport, sampleEvents } from '../platform/publish.ts'
import { Replays } from '../replays/replays.ts'
import { ComposeProject } from './compose-project.ts'

const application = 'flights'

/**
 * From nothing to nothing, as the README has it. Images are those of the environment: see
 * docker-compose.yml, and COMPOSE_ENV_FILES of Compose.
 */
describe('docker compose on one machine', { concurrency: 1 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kappa-compose-'))
  const seconds: Record<string, number> = {}
  let project: ComposeProject
  let replays: Replays
  let expected: ExpectedView[] = []

  before(async () => {
    project = await ComposeProject.create('kappa-test', join(folder, 'secrets'))
    // What a run that was killed has left.
    await project.generateSecrets()
    await project.compose('down', '--volumes', '--timeout', '5')
    rmSync(project.secretsFolder, { recursive: true })
    replays = new Replays(project)
    expected = await expectedViews()
  })
  after(async () => {
    console.table(seconds)
    await project.compose('down', '--volumes', '--timeout', '5')
    rmSync(folder, { recursive: true, force: true })
  })

  async function timed<T>(what: string, work: Promise<T>): Promise<T> {
    const begun = performance.now()
    try {
      return await work
    } finally {
      seconds[what] = Math.round(performance.now() - begun) / 1_000
    }
  }

  async function assertEqualToOracle(): Promise<void> {
    await project.untilCurrent(
      application,
      expected.map(({ name }) => name),
    )
    for (const view of expected) {
      assertSameRows(view.name, view, await project.allRows(application, view.name))
    }
  }

  test('secrets are made once, all different, in a folder that only its owner can enter', async () => {
    assert.match(await project.generateSecrets(), /^made .*redis-password$/m)
    const made = readSecrets()
    assert.equal(await project.generateSecrets(), '')
    assert.deepEqual(readSecrets(), made)
    assert.equal(secretWords().length, 7)
    assert.equal(statSync(project.secretsFolder).mode & 0o777, 0o700)
  })

  describe('once it is up', { concurrency: 1 }, () => {
    before(async () => {
      try {
        await timed('up --wait', project.compose('up', '--wait', '--no-build'))
      } catch (error) {
        console.log(await project.compose('logs', '--tail', '40'))
        throw error
      }
    })

    test('the archive that shortens starts of Spark is valid where it is', async () => {
      const java = ['java', '-Xshare:on', '-XX:SharedArchiveFile=/opt/spark/kappa.jsa']
      const args = [...java, '@/opt/spark/java.args', '-version']
      await project.compose('exec', '-T', 'spark-1-driver', ...args)
    })

    test('only the APIs can be reached, from this machine only', async () => {
      const published = (await project.containers()).flatMap(({ NetworkSettings }) =>
        Object.values(NetworkSettings.Ports).flatMap((bindings) => bindings ?? []),
      )
      assert.deepEqual(
        published.map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`).sort(),
        project.ports.map((port) => `127.0.0.1:${port}`).sort(),
      )
    })

    test('no container may do more than its work', async () => {
      for (const { Name, Config, HostConfig } of await project.containers()) {
        assert.equal(HostConfig.ReadonlyRootfs, true, `${Name} can write to its root`)
        assert.equal(HostConfig.Privileged, false, `${Name} is privileged`)
        assert.deepEqual(HostConfig.CapDrop, ['ALL'], `${Name} keeps capabilities`)
        assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges:true'], Name)
        // The one that hands the volumes over ends before anything else starts.
        const isOwner = Config.Labels['com.docker.compose.service'] === 'volumes'
        assert.equal(Config.User, isOwner ? '0:0' : '10001:10001', `${Name} is another user`)
        assert.deepEqual(HostConfig.CapAdd ?? [], isOwner ? ['CAP_CHOWN'] : [], Name)
        if (!isOwner) assert.ok(HostConfig.Memory > 0, `${Name} has no bound on its memory`)
      }
    })

    test('P2: flights published through ingest: every view equals the oracle', async () => {
      await timed('up to live', project.untilLive(application))
      const events = await sampleEvents()
      const accepted = await timed(
        'publishing',
        publishImport(project.ingest.url, events, { topic: (name) => name }),
      )
      assert.equal(accepted, events.length)
      await timed('published to equal', assertEqualToOracle())
    })

    test('P2: published once more, as the README does, nothing changes; the command works', async () => {
      assert.match(await project.compose('run', '--rm', 'sample'), /^Published 52881 /)
      await assertEqualToOracle()
      const listed = await project.compose('run', '--rm', 'kappa', 'releases', application)
      assert.match(listed, /flights-1\s+live/)
    })

    test('P2, P4, P7: replayed on the other cluster, equal, promoted, rolled back', async () => {
      const { id } = await replays.create({ application, promote: 'manual' })
      const ready = await timed('replay to ready', replays.until(id, ['ready']))
      assert.equal(ready.comparison?.verdict, 'equal')
      const promoted = await timed('promotion', replays.promote(id))
      assert.deepEqual([promoted.from, promoted.to, promoted.done], [1, 2, true])
      assert.equal((await project.page(application, 'carrier_hours', 'limit=1')).meta.release, 2)
      await assertEqualToOracle()
      const rolledBack = await replays.rollBack(application)
      assert.deepEqual([rolledBack.from, rolledBack.to, rolledBack.done], [2, 1, true])
      await assertEqualToOracle()
      console.table(await project.memory())
    })

    test('no secret is in what Docker knows of containers, nor in their logs', async () => {
      const known = `${JSON.stringify(await project.containers())}${await project.compose('logs')}`
      for (const secret of secretWords()) assert.ok(!known.includes(secret), 'a secret was told')
    })
  })

  test('down --volumes leaves nothing', async () => {
    await timed('down', project.compose('down', '--volumes'))
    assert.deepEqual(await project.remains(), [])
  })

  function readSecrets(): Record<string, string> {
    const names = readdirSync(project.secretsFolder).sort()
    return Object.fromEntries(
      names.map((name) => [name, readFileSync(join(project.secretsFolder, name), 'utf8')]),
    )
  }

  /** Everything in those files that is long and random. */
  function secretWords(): string[] {
    return [
      ...new Set(
        Object.values(readSecrets())
          .join('\n')
          .match(/[0-9a-f]{20,}/g),
      ),
    ]
  }
})
