import { createHash } from "node:crypto"
import { toCanonicalJson } from "../../../core/json/canonical-json.ts"
import type { Json } from "../../../core/json/json.ts"

/** Returns the SHA-256 of the value in canonical JSON, as hexadecimal digits. */
export function computeDigest(value: Json): string {
  return createHash("sha256").update(toCanonicalJson(value)).digest("hex")
}
