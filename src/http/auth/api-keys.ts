import { createHash, timingSafeEqual } from "node:crypto"
import { ConfigurationError } from "../../core/errors.ts"

/**
 * Tells whether a key is one of the valid ones, in a time that says nothing about them.
 * Without a list every key is; an empty list lets nobody in.
 */
export function createApiKeyCheck(validApiKeys: readonly string[] | undefined): (apiKey: string) => boolean {
  if (validApiKeys === undefined) return () => true
  if (validApiKeys.includes("")) throw new ConfigurationError("validApiKeys: a key is empty.")
  const validDigests = validApiKeys.map(digest)
  return (apiKey) => {
    const given = digest(apiKey)
    let valid = false
    // No early end: which key of the list matches must not show either.
    for (const validDigest of validDigests) valid = timingSafeEqual(given, validDigest) || valid
    return valid
  }
}

/** Digests have one length, which the comparison needs, and the keys' lengths do not show. */
function digest(apiKey: string): Uint8Array {
  return createHash("sha256").update(apiKey).digest()
}
