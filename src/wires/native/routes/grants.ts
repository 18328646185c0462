import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { DeciderOf } from "../../../http/auth/decider.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { printable } from "../../../http/schemas/parts/printable.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { toWireGrants } from "../forms/grants.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"
import { grantsResponseSchema } from "../schemas/grants.ts"

export interface GrantRoutesOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly reading: MiddlewareHandler<HttpEnv>[]
  readonly changing: MiddlewareHandler<HttpEnv>[]
}

/** GET and DELETE /chat/grants list and revoke the permissions of the session's tools. */
export function addGrantRoutes(app: OpenAPIHono<HttpEnv>, options: GrantRoutesOptions): void {
  const { sessions, deciderOf, reading, changing } = options
  const list = createRoute({
    method: "get",
    path: "/chat/grants",
    operationId: "listGrants",
    summary: "List tool calls that are allowed without asking",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware: reading,
    responses: {
      200: describeJson(
        "Grants of `allow_tool_type` in this session that are not revoked.",
        grantsResponseSchema,
      ),
      ...describeProblems(...ofToken),
    },
  })
  const revoke = createRoute({
    method: "delete",
    path: "/chat/grants",
    operationId: "revokeGrant",
    summary: "Revoke a grant, so that such calls need an approval again",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware: changing,
    request: {
      // A misspelled `qualifier` would revoke another grant.
      query: z.strictObject({
        tool_name: printable(256),
        qualifier: z
          .string()
          .max(4096)
          .optional()
          .openapi({ description: "The grant's qualifier as listed. Absent if the grant has none." }),
      }),
    },
    responses: {
      200: describeJson("The next such call needs an approval.", doneResponseSchema),
      ...describeProblems(...ofToken, "404 grant_not_found", "422 invalid_body"),
    },
  })

  app.openapi(list, async (c) =>
    respondJson(c, toWireGrants(await sessions.grants(c.get("session").id)), 200),
  )
  app.openapi(revoke, async (c) => {
    const { tool_name: toolName, qualifier = null } = c.req.valid("query")
    const { id: sessionId } = c.get("session")
    if (!(await sessions.revokeGrant({ sessionId, toolName, qualifier, revokedBy: deciderOf(c) }))) {
      throw new Problem({ code: "grant_not_found", status: 404 }, "The session has no such grant.")
    }
    return respondJson(c, done, 200)
  })
}
