/** Sums by key. A key whose sum is 0 takes no memory. */
export interface Tally {
  get(key: string): number
  /** Changes the sum of a key. A negative amount gives back. */
  add(key: string, amount: number): void
}

export function createTally(): Tally {
  const sums = new Map<string, number>()
  const get = (key: string) => sums.get(key) ?? 0
  return {
    get,
    add(key, amount) {
      const sum = get(key) + amount
      if (sum > 0) sums.set(key, sum)
      else sums.delete(key)
    },
  }
}
