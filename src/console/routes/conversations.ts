import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { PageParts } from "../../http/app.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { requireScope } from "../../operations/operation.ts"
import { consoleTenant } from "../../operations/tenants.ts"
import { readBody } from "../read-body.ts"

export interface ConversationRouteOptions extends Pick<PageParts, "issueSession" | "body"> {
  readonly prefix: string
  readonly admit: readonly MiddlewareHandler<HttpEnv>[]
}

const sessionSchema = z.strictObject({
  session_id: z.string().max(128).optional(),
  agent: z.string().max(64).optional(),
})

/** POST session returns a token with which the page uses the HTTP API for a conversation of the operator. */
export function addConversationRoute(
  root: OpenAPIHono<HttpEnv>,
  { prefix, admit, issueSession, body }: ConversationRouteOptions,
): void {
  for (const middleware of [...admit, body]) root.on("POST", `${prefix}/session`, middleware)
  root.post(`${prefix}/session`, async (c) => {
    const { name, scopes } = c.get("operator")
    requireScope("operate", scopes)
    const { session_id: sessionId, agent } = await readBody(c, sessionSchema)
    return c.json(await issueSession({ tenant: consoleTenant, userId: name }, { sessionId, agent }))
  })
}
