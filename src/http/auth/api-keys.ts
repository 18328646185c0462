import { hash, timingSafeEqual } from "node:crypto"
import { ConfigurationError } from "../../core/errors.ts"

/**
 * Number of characters below which a key can be guessed. Clients with the right key must never be locked out, so wrong
 * keys cannot be limited more strictly.
 */
export const minKeyLength = 16

/**
 * Creates a check of API keys. The time of a check reveals nothing about valid keys. Without a list, every key is
 * valid. With an empty list, no key is valid.
 */
export function createApiKeyCheck(validApiKeys: readonly string[] | undefined): (apiKey: string) => boolean {
  if (validApiKeys === undefined) return () => true
  if (validApiKeys.includes("")) throw new ConfigurationError("validApiKeys: a key is empty.")
  const validDigests = validApiKeys.map(digest)
  return (apiKey) => {
    const keyDigest = digest(apiKey)
    let valid = false
    // The loop does not end early, so that the time does not reveal which key matches.
    for (const validDigest of validDigests) valid = timingSafeEqual(keyDigest, validDigest) || valid
    return valid
  }
}

/** Returns a digest. Digests have one length, which the comparison needs, and hide the keys' lengths. */
function digest(apiKey: string): Uint8Array {
  return hash("sha256", apiKey, "buffer")
}
