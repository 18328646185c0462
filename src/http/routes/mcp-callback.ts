import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import { describeProblems } from "../schemas/problem.ts"
import { ofStore } from "../schemas/refusals.ts"

/**
 * Handles the query of a returning browser. Resolves to the server's name, or to null if the query authorizes
 * nothing.
 */
export type CompleteAuthorization = (callback: URLSearchParams) => Promise<string | null>

/**
 * GET /mcp/oauth/callback is the address to which a browser returns after a person has authorized the gateway at an
 * MCP server.
 */
export function addMcpCallbackRoute(
  app: OpenAPIHono<HttpEnv>,
  { complete }: { readonly complete: CompleteAuthorization },
): void {
  const route = createRoute({
    method: "get",
    path: "/mcp/oauth/callback",
    operationId: "completeMcpAuthorization",
    summary: "Return from the authorization of an MCP server",
    tags: ["mcp"],
    security: [],
    request: {
      query: z.object({
        state: z
          .string()
          .optional()
          .openapi({ description: "Made by the gateway, for one use within an hour." }),
        code: z.string().optional(),
        error: z.string().optional(),
        iss: z.string().optional(),
      }),
    },
    responses: {
      200: {
        description: "The gateway has the tokens, and the page says so.",
        content: { "text/plain": { schema: z.string() } },
      },
      ...describeProblems("400 authorization_failed", ...ofStore),
    },
  })

  app.openapi(route, async (c) => {
    const server = await complete(new URL(c.req.url).searchParams)
    if (server === null) {
      const message = "The authorization was refused, or this link was used or has expired."
      throw new Problem({ code: "authorization_failed", status: 400 }, message)
    }
    return c.text(`The gateway may use ${server} now. You can close this page.`, 200)
  })
}
