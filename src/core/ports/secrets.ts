/**
 * Secrets that only the gateway may read: tokens and client secrets of other services. Kept until removed. A store
 * keeps values as it is given them; they are sealed before.
 */
export interface Secrets {
  get(name: string): Promise<string | null>
  /** Takes the place of what was there. */
  put(name: string, value: string): Promise<void>
  /**
   * Puts the value if what is there is still `expected`; null is nothing. Resolves to whether it did: of several
   * processes that replace the same value one does.
   */
  replace(name: string, expected: string | null, value: string): Promise<boolean>
  remove(name: string): Promise<void>
}
