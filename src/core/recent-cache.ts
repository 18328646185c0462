/** A map that keeps the `max` keys that were set most recently. */
export interface RecentMap<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  /** Returns the values, the one that was set last at the end. */
  values(): Iterable<Value>
}

export function createRecentMap<Value>(max: number): RecentMap<Value> {
  const kept = new Map<string, Value>()
  return {
    get: (key) => kept.get(key),
    delete: (key) => void kept.delete(key),
    values: () => kept.values(),
    set(key, value) {
      // A new entry goes to the end of the map, so that the map's order is the order of writes.
      kept.delete(key)
      kept.set(key, value)
      if (kept.size <= max) return
      const [idlest] = kept.keys()
      if (idlest !== undefined) kept.delete(idlest)
    },
  }
}

/** Returns the value that was made for a key before, or makes it. */
export type RecentCache<Value> = (key: string, make: () => Value) => Value

/** Creates a cache that keeps the values of the `max` keys that were used most recently. */
export function createRecentCache<Value>(max: number): RecentCache<Value> {
  const kept = createRecentMap<{ readonly value: Value }>(max)
  return (key, make) => {
    const entry = kept.get(key) ?? { value: make() }
    kept.set(key, entry)
    return entry.value
  }
}
