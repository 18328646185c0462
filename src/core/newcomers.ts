/**
 * Returns how many of these places are kept for those that have none yet, so that a few who share all other places
 * cannot hold up the first request of everyone else: a twentieth, at least one. A single place is for anyone.
 */
export function placesForNewcomers(places: number): number {
  return places > 1 ? Math.max(1, Math.floor(places / 20)) : 0
}
