/** Returns an idempotency key. It also works on pages without https, where `crypto.randomUUID` is missing. */
export function createRandomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-")
}
