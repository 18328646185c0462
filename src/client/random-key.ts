/** Returns an idempotency key. It also works on pages without https, where `crypto.randomUUID` is missing. */
export function createRandomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
