import { createHash } from "node:crypto"
import { z } from "@hono/zod-openapi"
import { toCanonicalPieces } from "../../core/json/canonical-json.ts"
import type { Json } from "../../core/json/json.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import { Problem } from "../problem.ts"

const maxIdempotencyKeyLength = 255

/** The header in the OpenAPI document. `readIdempotencyKey` checks it, because its refusal has its own code. */
export const idempotencyHeader = z
  .string()
  .optional()
  .openapi({
    description: "A second request with the same key and body changes nothing.",
    pattern: `^[!-~]{1,${maxIdempotencyKeyLength}}$`,
  })

/**
 * Resolves to the `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header, with a hash of the request. Equal
 * bodies have equal hashes, whatever the order and spacing of their JSON. Null if there is no such header. Yields to
 * the event loop while it hashes.
 */
export async function readIdempotencyKey(
  key: string | undefined,
  body: Json,
): Promise<{ readonly key: string; readonly bodyHash: string } | null> {
  if (key === undefined) return null
  if (key.length > maxIdempotencyKeyLength || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Problem(
      { code: "invalid_idempotency_key", status: 400 },
      `Idempotency-Key must be 1 to ${maxIdempotencyKeyLength} visible ASCII characters.`,
    )
  }
  const hash = createHash("sha256")
  let isFirst = true
  for (const piece of toCanonicalPieces(body)) {
    if (!isFirst) await waitForNextSlice()
    isFirst = false
    hash.update(piece)
  }
  return { key, bodyHash: hash.digest("hex") }
}
