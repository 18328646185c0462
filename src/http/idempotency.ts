import { createHash } from "node:crypto"
import { canonicalJson } from "../core/canonical-json.ts"
import type { Json } from "../core/json.ts"
import { Problem } from "./problem.ts"

const maxKeyLength = 255

/**
 * The `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header, with a hash of what was asked: equal bodies
 * have equal hashes, whatever the order and spacing of their JSON. Null without the header.
 */
export function idempotencyOf(
  key: string | undefined,
  body: Json,
): { readonly key: string; readonly bodyHash: string } | null {
  if (key === undefined) return null
  if (key.length > maxKeyLength || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Problem(
      { code: "invalid_idempotency_key", status: 400 },
      `Idempotency-Key must be 1 to ${maxKeyLength} visible ASCII characters.`,
    )
  }
  return { key, bodyHash: createHash("sha256").update(canonicalJson(body)).digest("hex") }
}
