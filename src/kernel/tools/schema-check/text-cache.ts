export interface TextCacheLimits {
  readonly maxEntries: number
  /** Maximum characters of all keys together. A longer key is not kept. */
  readonly maxCharacters: number
}

export interface TextCache<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

/** Keeps the values of the most recently used texts. */
export function createTextCache<Value>({ maxEntries, maxCharacters }: TextCacheLimits): TextCache<Value> {
  const kept = new Map<string, { readonly value: Value }>()
  let characters = 0
  const remove = (key: string) => {
    if (kept.delete(key)) characters -= key.length
  }
  const add = (key: string, entry: { readonly value: Value }) => {
    kept.set(key, entry)
    characters += key.length
  }
  return {
    get(key) {
      const entry = kept.get(key)
      if (entry === undefined) return undefined
      // The key goes to the end of the map, so that the map's order is that of the last uses.
      remove(key)
      add(key, entry)
      return entry.value
    },
    set(key, value) {
      remove(key)
      add(key, { value })
      for (const [oldest] of kept) {
        if (kept.size <= maxEntries && characters <= maxCharacters) break
        remove(oldest)
      }
    },
  }
}
