import { declareOptions } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"

/** Limits of the bodies of requests, members of the option `limits`. */
export interface RequestLimits {
  /** Maximum body size of `POST /chat` in bytes. Default 4 MiB. */
  readonly chatBodyBytes: number
  /** Maximum size of any other body in bytes. That of `POST /chat/init` is at most 32 KiB. Default 256 KiB. */
  readonly bodyBytes: number
  /** Maximum depth of objects and arrays in a body. Default 64. */
  readonly jsonDepth: number
  /**
   * Maximum number of JSON values and member names in a body, at every level together; at most 100 000. Default
   * 20 000.
   */
  readonly jsonValues: number
}

/** With more values, parsing and checking one body would block the event loop for more than 20 ms. */
const maxJsonValues = 100_000

export const requestLimits = declareOptions<Partial<RequestLimits>>()({
  chatBodyBytes: count.default(4 * 1024 * 1024),
  bodyBytes: count.default(256 * 1024),
  jsonDepth: count.default(64),
  jsonValues: count.max(maxJsonValues).default(20_000),
})
