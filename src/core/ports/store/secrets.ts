/**
 * Secrets that only the gateway may read: tokens and client secrets of other services. They are kept until they are
 * removed. The values are encrypted before they reach a store.
 */
export interface Secrets {
  get(name: string): Promise<string | null>
  /** Stores the value, and replaces an existing one. */
  put(name: string, value: string): Promise<void>
  /**
   * Stores the value if the current value is still `expected`, where null means that there is no value. Resolves to
   * true if it was stored. If several processes replace the same value, one succeeds.
   */
  replace(name: string, expected: string | null, value: string): Promise<boolean>
  remove(name: string): Promise<void>
}
