import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Readiness } from "../../core/ports/readiness.ts"
import type { HttpEnv } from "../http-env.ts"
import { respondJson } from "../respond.ts"
import { describeJson } from "../schemas/describe-json.ts"
import { describeProblems } from "../schemas/problem.ts"

export interface StatusRoutesOptions {
  readonly readiness: () => Promise<Readiness>
  readonly accepting: () => boolean
}

/** GET /health reports that the process responds. GET /ready reports if it can work. */
export function addStatusRoutes(
  app: OpenAPIHono<HttpEnv>,
  { readiness, accepting }: StatusRoutesOptions,
): void {
  const health = createRoute({
    method: "get",
    path: "/health",
    operationId: "health",
    summary: "Report that the process responds",
    tags: ["status"],
    security: [],
    responses: {
      200: describeJson("It does.", healthResponseSchema),
      ...describeProblems("500 internal_error"),
    },
  })
  const ready = createRoute({
    method: "get",
    path: "/ready",
    operationId: "ready",
    summary: "Report whether new work is accepted",
    tags: ["status"],
    security: [],
    responses: {
      200: describeJson("Ready.", readyResponseSchema),
      503: describeJson("Not ready. The checks give the reasons.", readyResponseSchema),
      ...describeProblems("500 internal_error"),
    },
  })

  app.openapi(health, (c) => respondJson(c, { status: "ok" as const }, 200))
  app.openapi(ready, async (c) => {
    const { ready, checks } = await readiness()
    const all = { ...checks, accepting: { ok: accepting() } }
    if (ready && accepting()) return respondJson(c, { status: "ready" as const, checks: all }, 200)
    return respondJson(c, { status: "not_ready" as const, checks: all }, 503)
  })
}

const healthResponseSchema = z
  .object({ status: z.literal("ok") })
  .openapi("Health", { example: { status: "ok" } })

const readyResponseSchema = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
  })
  .openapi("Readiness", { example: { status: "ready", checks: { store: { ok: true } } } })
