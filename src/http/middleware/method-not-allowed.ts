import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"

/** Refuses other methods of existing paths. Must be called last. */
export function refuseOtherMethods(root: OpenAPIHono<HttpEnv>): void {
  const methodsByPath = Map.groupBy(
    root.routes.filter(({ method }) => method !== "ALL"),
    ({ path }) => path,
  )
  for (const [path, routes] of methodsByPath) {
    const allow = [
      ...new Set(routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))),
    ].join(", ")
    root.all(path, () => {
      throw new Problem({ code: "method_not_allowed", status: 405 }, `This path accepts ${allow}.`, {
        headers: { allow },
      })
    })
  }
}
