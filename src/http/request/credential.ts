import type { Context } from "hono"
import type { HttpEnv } from "../http-env.ts"

/** Returns the headers by which most applications identify a person, to distinguish wrong credentials. */
export function selectCredential(c: Context<HttpEnv>): string {
  return JSON.stringify([c.req.header("authorization") ?? "", c.req.header("cookie") ?? ""])
}
