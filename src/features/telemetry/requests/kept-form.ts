import { promisify } from "node:util"
import { deflateRaw, inflateRaw } from "node:zlib"
import type { Json } from "../../../core/json/json.ts"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import { openSealed, seal } from "../../../platform/sealing/seal.ts"
import type { PartedBody } from "./request-parts.ts"

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** Facts of an attempt. */
export type AttemptFacts = Pick<
  EndedAttempt,
  "runId" | "stepId" | "attempt" | "purpose" | "provider" | "model" | "code" | "durationMs"
> & {
  readonly form: "http" | "gateway"
  readonly url: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** The stored form of an attempt's facts, with the numbers of the parts in its series. */
export interface KeptFacts extends AttemptFacts {
  readonly body: PartedBody
  /** The body is the number of a part. */
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: number
  } | null
}

/** Compresses a value. Encrypts it for this session if there is a key, which has 32 bytes. */
export async function pack(json: string, sessionId: string, key: Uint8Array | null): Promise<Uint8Array> {
  const packed = await deflate(json)
  return key === null ? packed : seal(packed, toName(sessionId), key)
}

/** Returns null if the value is encrypted with another key, or if it is encrypted and there is no key. */
export async function unpack(body: Uint8Array, sessionId: string, key: Uint8Array | null): Promise<Json> {
  const packed = key === null ? body : openSealed(body, toName(sessionId), key)
  if (packed === null) return null
  try {
    const json: Buffer = await inflate(packed)
    return JSON.parse(json.toString("utf8"))
  } catch (error) {
    // Only an encrypted value looks damaged without a key.
    if (key === null) return null
    throw error
  }
}

function toName(sessionId: string): string {
  return `kept request ${sessionId}`
}
