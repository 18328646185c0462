import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { texts } from "../../platform/options/schemas.ts"

/** Options for pages of other origins. */
export interface CorsOptions {
  /** Origins whose pages may call the gateway, such as `https://app.example.com`. Default: none. */
  readonly corsOrigins?: readonly string[]
  /**
   * Request headers that pages of other origins may send in addition to those of the gateway's API: for a proxy
   * before the gateway, or for routes of plugins. Default: none.
   */
  readonly corsAllowHeaders?: readonly string[]
  /** Methods that pages of other origins may use in addition to `GET`, `POST` and `DELETE`. Default: none. */
  readonly corsAllowMethods?: readonly ("HEAD" | "PATCH" | "PUT")[]
}

/** RFC 9110, section 5.1: a token. `*` is one, but it would not cover `authorization`. */
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'+.^_`|~-]+$/, "expected the name of a header")

export const corsOptions = declareOptions<CorsOptions>()({
  corsOrigins: texts.default([]),
  corsAllowHeaders: z.array(headerName).default([]),
  corsAllowMethods: z.array(z.enum(["HEAD", "PATCH", "PUT"])).default([]),
})
