import { hash, timingSafeEqual } from "node:crypto"
import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { printable } from "../schemas/parts/printable.ts"
import { toTenantOfKey, toTenantOfName } from "./principal.ts"

/**
 * Number of characters below which a key can be guessed. Clients with the right key must never be locked out, so wrong
 * keys cannot be limited more strictly.
 */
export const minKeyLength = 16

/**
 * A key that clients may use. The sessions of a named tenant outlive the key: give its next key the same name, and
 * remove this one when no one uses it any more. Without a name, the tenant is a digest of the key.
 */
export type ApiKey = string | { readonly key: string; readonly tenant: string }

export const apiKeys = z
  .array(z.union([z.string().min(1), z.strictObject({ key: z.string().min(1), tenant: printable(250) })]))
  .readonly()

/** Returns the text of a key. */
export function readKey(apiKey: ApiKey): string {
  return typeof apiKey === "string" ? apiKey : apiKey.key
}

/**
 * Creates a function that returns the tenant of an API key. Null for a key that is not valid. Without a list, every key
 * is valid. With an empty list, no key is valid.
 */
export function createTenantOf(
  validApiKeys: readonly ApiKey[] | undefined,
): (apiKey: string) => string | null {
  if (validApiKeys === undefined) return toTenantOfKey
  const tenants = validApiKeys.map((each) =>
    typeof each === "string" ? toTenantOfKey(each) : toTenantOfName(each.tenant),
  )
  return createKeySearch("validApiKeys", validApiKeys.map(readKey), tenants)
}

/** Creates a function that returns the value of a key. Its time reveals nothing about the keys. */
function createKeySearch<Value>(
  option: string,
  keys: readonly string[],
  values: readonly Value[],
): (key: string) => Value | null {
  if (keys.includes("")) throw new ConfigurationError(`${option}: a key is empty.`)
  if (new Set(keys).size < keys.length) throw new ConfigurationError(`${option}: a key is listed twice.`)
  const digests = keys.map(digest)
  return (key) => {
    const sought = digest(key)
    let found: Value | null = null
    // The loop does not end early, so that the time does not reveal which key matches.
    for (const [index, value] of values.entries()) {
      if (timingSafeEqual(sought, digests[index] ?? sought)) found = value
    }
    return found
  }
}

/** Returns a digest. Digests have one length, which the comparison needs, and hide the keys' lengths. */
function digest(apiKey: string): Uint8Array {
  return hash("sha256", apiKey, "buffer")
}
