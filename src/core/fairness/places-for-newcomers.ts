/**
 * Returns how many places are reserved for principals that have no place yet, so that a few principals with all other
 * places cannot block the first request of everyone else. A twentieth is reserved, at least one. A single place is
 * not reserved.
 */
export function computePlacesForNewcomers(places: number): number {
  return places > 1 ? Math.max(1, Math.floor(places / 20)) : 0
}
