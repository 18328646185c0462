/**
 * What the gateway must keep from everybody: tokens and client secrets of other services. Kept until it is removed;
 * encrypted by whoever implements this. Names are not secret.
 */
export interface Secrets {
  get(name: string): Promise<string | null>
  /** Takes the place of what was there. */
  put(name: string, value: string): Promise<void>
  remove(name: string): Promise<void>
}
