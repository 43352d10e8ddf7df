import type { LivePointer } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ControlState } from '../control/control-state.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { ReadableReleases } from '../loading/readable-releases.ts'
import { hint } from '../queries/did-you-mean.ts'

/** Finds the views that readers ask for by name. */
export class Catalogue {
  readonly #control: ControlState
  readonly #releases: ReadableReleases
  readonly #isControlRead: () => boolean

  constructor(control: ControlState, releases: ReadableReleases, isControlRead: () => boolean) {
    this.#control = control
    this.#releases = releases
    this.#isControlRead = isControlRead
  }

  /**
   * What this instance knows to be live.
   * @throws ServiceError `unknown_application`, `no_live_release`, `rebuilding`
   */
  live(application: string): LivePointer {
    const live = this.#control.live(application)
    if (!live) throw this.#withoutLive(application)
    return live
  }

  isLoaded({ application, release }: LivePointer): boolean {
    return this.#releases.isLoaded(application, release)
  }

  /** @throws ServiceError `unknown_view`, `rebuilding` */
  view(live: LivePointer, name: string): LoadedView {
    const { application } = live
    const view = this.#releases.view(application, live.release, name)
    if (view) return view
    const names = this.#control.release(application, live.release)?.definition.views
    if (names === undefined || Object.hasOwn(names, name)) {
      throw new ServiceError(
        'rebuilding',
        `Release ${live.release} of ${application} is being loaded; repeat the request.`,
        { retryAfterSeconds: 1 },
      )
    }
    throw new ServiceError(
      'unknown_view',
      `The application ${application} has no view "${name}". ${hint(name, Object.keys(names))}`,
    )
  }

  /** Applications that have a live release, by name. */
  liveApplications(): string[] {
    return this.#control.applications().filter((name) => this.#control.live(name) !== undefined)
  }

  /** Every view of a release, by name. */
  views(live: LivePointer): LoadedView[] {
    return [...this.#releases.views()]
      .filter((view) => view.application === live.application && view.release === live.release)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #withoutLive(application: string): ServiceError {
    if (!this.#isControlRead()) {
      return new ServiceError('rebuilding', 'The releases are being read; repeat the request.', {
        retryAfterSeconds: 1,
      })
    }
    const applications = this.#control.applications()
    if (applications.includes(application)) {
      return new ServiceError(
        'no_live_release',
        `No release of ${application} is live yet; repeat the request when replay has started one.`,
        { retryAfterSeconds: 5 },
      )
    }
    return new ServiceError(
      'unknown_application',
      `There is no application "${application}". ${hint(application, applications)}`,
    )
  }
}
