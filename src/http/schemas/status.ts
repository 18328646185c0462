import { z } from "@hono/zod-openapi"

export const healthResponseSchema = z
  .object({ status: z.literal("ok") })
  .openapi("Health", { example: { status: "ok" } })

export const readyResponseSchema = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
  })
  .openapi("Readiness", { example: { status: "ready", checks: { store: { ok: true } } } })
