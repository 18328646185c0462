/** The values of the `max` keys that were set last. */
export interface RecentMap<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  values(): Iterable<Value>
}

export function createRecentMap<Value>(max: number): RecentMap<Value> {
  const kept = new Map<string, Value>()
  return {
    get: (key) => kept.get(key),
    values: () => kept.values(),
    set(key, value) {
      // Set anew, so that the map's order is that of the last settings.
      kept.delete(key)
      kept.set(key, value)
      const [idlest] = kept.keys()
      if (kept.size > max && idlest !== undefined) kept.delete(idlest)
    },
  }
}

/** Gives what was made for a key before, or makes it now. */
export type RecentCache<Value> = (key: string, make: () => Value) => Value

/** Keeps what was made for the `max` keys that were used last. */
export function createRecentCache<Value>(max: number): RecentCache<Value> {
  const kept = createRecentMap<{ readonly value: Value }>(max)
  return (key, make) => {
    const entry = kept.get(key) ?? { value: make() }
    kept.set(key, entry)
    return entry.value
  }
}
