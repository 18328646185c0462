import type { MiddlewareHandler } from "hono"
import { createTenantRestricted, requireScope } from "../../operations/operation.ts"
import type { OperatorScope } from "../../operations/scopes.ts"
import { minKeyLength } from "../auth/api-keys.ts"
import type { HttpEnv } from "../http-env.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { createUnauthorized } from "../problem.ts"
import { readBearer } from "../request/credential.ts"
import type { Operators } from "./operators.ts"

/** Admits requests with an operator key as Bearer token, and passes the operator on. */
export function admitOperators(
  operators: Operators,
  { failures, operator: count }: Pick<RateLimiting, "failures" | "operator">,
): readonly MiddlewareHandler<HttpEnv>[] {
  return [
    async (c, next) => {
      const key = readBearer(c.req.header("authorization")) ?? ""
      const operator = await failures.counting(c, key, async () => {
        const found = operators.find(key)
        if (found !== null) return found.operator
        throw createUnauthorized(
          "invalid_credentials",
          operators.keys.length > 0
            ? "This path is for operators. Send an operator key as a Bearer token."
            : `This path is for operators, and the gateway has no operator key of at least ${minKeyLength} ` +
                "characters. Set operatorKeys or AGENT_GATEWAY_OPERATOR_KEY.",
        )
      })
      c.set("operator", operator)
      await next()
    },
    count,
  ]
}

/** Refuses operators without the scope, and those who may only see one tenant, because the path concerns all. */
export function requireForAll(scope: OperatorScope): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { scopes, tenant } = c.get("operator")
    requireScope(scope, scopes)
    if (tenant !== null) throw createTenantRestricted()
    await next()
  }
}
