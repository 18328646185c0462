import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { PageParts } from "../../http/app.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { type ConsoleAccess, findOperator } from "../access.ts"
import { readBody } from "../read-body.ts"

export interface AccessRoutesOptions {
  readonly prefix: string
  readonly access: ConsoleAccess
  readonly body: MiddlewareHandler<HttpEnv>
  readonly failures: PageParts["failures"]
  readonly isSecure: PageParts["isSecure"]
}

const keySchema = z.strictObject({ key: z.string().min(1).max(1_000) })

/**
 * GET access reports if the page must ask for a key. POST sign-in checks the key, and POST sign-out ends all
 * cookies of the operator.
 */
export function addAccessRoutes(root: OpenAPIHono<HttpEnv>, options: AccessRoutesOptions): void {
  const { prefix, access, body, failures, isSecure } = options

  root.get(`${prefix}/access`, async (c) => {
    const operator = await findOperator(access, c)
    if (operator === null) return c.json({ type: "key", can_sign_out: false })
    return c.json({ type: "open", can_sign_out: access.type === "operator", ...operator })
  })

  root.post(`${prefix}/sign-in`, body, async (c) => {
    if (access.type !== "operator") throw createNoKeyNeeded()
    const { key } = await readBody(c, keySchema)
    const signer = await failures.counting(c, key, async () => {
      const found = access.operators.find(key)
      if (found === null) throw createWrongKey()
      return found
    })
    // Browsers do not store a secure cookie that arrives over plain HTTP.
    await access.cookie.set(c, signer, { secure: isSecure(c) })
    return c.json({ status: "ok" })
  })

  root.post(`${prefix}/sign-out`, async (c) => {
    if (access.type === "operator") await access.cookie.revoke(c)
    return c.json({ status: "ok" })
  })
}

function createNoKeyNeeded(): Problem {
  return new Problem({ code: "no_key_needed", status: 409 }, "This console is used without a key.")
}

function createWrongKey(): Problem {
  return new Problem({ code: "invalid_credentials", status: 401 }, "This is not an operator key.")
}
