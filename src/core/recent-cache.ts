/** Gives what was made for a key before, or makes it now. */
export type RecentCache<Value> = (key: string, make: () => Value) => Value

/** Keeps what was made for the `max` keys that were used last. */
export function createRecentCache<Value>(max: number): RecentCache<Value> {
  const kept = new Map<string, { readonly value: Value }>()
  return (key, make) => {
    const entry = kept.get(key) ?? { value: make() }
    // Set anew, so that the map's order is by last use.
    kept.delete(key)
    kept.set(key, entry)
    const [idlest] = kept.keys()
    if (kept.size > max && idlest !== undefined) kept.delete(idlest)
    return entry.value
  }
}
