const longestDetail = 1000
/** Shorter values are no secrets, and would tear holes into words. */
const shortestSecret = 6

/** Cuts a detail for the log to length and takes the given secrets, and whatever looks like a key, out of it. */
export function redact(detail: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .reduce((text, secret) => text.replaceAll(secret, "[redacted]"), detail)
  const clean = known
    .replace(/\b(sk-|Bearer )[\w.~+/=-]{6,}/gi, "$1[redacted]")
    // A password in an address: fetch refuses such an address, and says it.
    .replace(/(:\/\/)[^\s/@]+@/g, "$1[redacted]@")
  return clean.length > longestDetail ? `${clean.slice(0, longestDetail)}…` : clean
}
