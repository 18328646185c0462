import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { HttpEnv } from "../http-env.ts"
import { respondText } from "../respond.ts"
import { describeProblems } from "../schemas/problem.ts"
import { requireForAll } from "./admit-operators.ts"

/** The content type of Prometheus' text format. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8"

export interface MetricsRouteOptions {
  /** Admits operators, and sets the variable `operator`. */
  readonly admit: readonly MiddlewareHandler<HttpEnv>[]
  /** Undefined if there are no operators, so that no one is admitted. */
  readonly read: (() => Promise<string>) | undefined
}

/** GET /metrics returns the metrics of this process to operators with the scope `metrics`. */
export function addMetricsRoute(app: OpenAPIHono<HttpEnv>, { admit, read }: MetricsRouteOptions): void {
  for (const middleware of [...admit, requireForAll("metrics")]) app.get("/metrics", middleware)
  app.get("/metrics", async (c) =>
    respondText(c, (await read?.()) ?? "", 200, { "content-type": metricsType }),
  )
}

/** Adds GET /metrics to the OpenAPI document. */
export function describeMetrics(app: OpenAPIHono<HttpEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/metrics",
    operationId: "metrics",
    summary: "Read the metrics of the process in Prometheus' text format",
    description: "Needs the scope `metrics`. Not for keys of one tenant.",
    tags: ["status"],
    security: [{ operatorKey: ["metrics"] }],
    responses: {
      200: { description: "All series.", content: { "text/plain": { schema: z.string() } } },
      ...describeProblems(
        ...(["401 invalid_credentials", "403 scope_missing", "403 tenant_restricted"] as const),
        ...(["429 rate_limited", "500 internal_error"] as const),
      ),
    },
  })
}
