import { removeSecrets } from "../../core/text/remove-secrets.ts"

const longestDetail = 1000
/** Shorter values are not secrets, and replacing them would damage words. */
const shortestSecret = 6

/** Truncates a detail for the log, and removes the given secrets and everything that looks like a key. */
export function redact(detail: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .reduce((text, secret) => text.replaceAll(secret, "[redacted]"), detail)
  // Fetch refuses an address with a user or a password, and quotes it.
  const clean = removeSecrets(known).replace(/(:\/\/)[^\s/@]+@/g, "$1[redacted]@")
  return clean.length > longestDetail ? `${clean.slice(0, longestDetail)}…` : clean
}
