import { type Admission, type AdmissionOptions, createAdmission } from "./admission.ts"
import { toPrincipalKey } from "./principal-key.ts"
import { createTally } from "./tally.ts"

export interface PlacesOptions extends Pick<AdmissionOptions<undefined>, "maxWaiting" | "createBusyError"> {
  readonly max: number
  /** Maximum places of one user. Default `max`. */
  readonly maxOfUser?: number
}

/** Lets a number of works run at a time, for example on a few threads. */
export function createPlaces({ max, maxOfUser = max, ...waiting }: PlacesOptions): Admission<undefined> {
  const ofUsers = createTally()
  let taken = 0
  return createAdmission({
    decide(owner) {
      if (taken >= max) return "next"
      return ofUsers.get(toPrincipalKey(owner)) < maxOfUser ? "now" : "later"
    },
    start(owner) {
      taken += 1
      ofUsers.add(toPrincipalKey(owner), 1)
    },
    end(owner) {
      taken -= 1
      ofUsers.add(toPrincipalKey(owner), -1)
    },
    ...waiting,
  })
}
