import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofToken } from "../../../http/schemas/refusals.ts"
import type { OpenSessionFile } from "../../../http/wire-routes.ts"

export interface FilesRouteOptions {
  readonly openFile: OpenSessionFile
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** GET /chat/files/PATH downloads a file that code in the session's sandbox has written. */
export function addFilesRoute(app: OpenAPIHono<HttpEnv>, { openFile, middleware }: FilesRouteOptions): void {
  const route = createRoute({
    method: "get",
    path: "/chat/files/{path}",
    operationId: "file",
    summary: "A file of the session's working directory",
    tags: ["chat"],
    security: describeSecurity("session"),
    request: {
      params: z.object({
        path: z
          .string()
          .openapi({ description: "As in `files` of a result of `code_execute`; may have slashes." }),
      }),
    },
    responses: {
      200: {
        description:
          "The file's bytes as a download. A browser never shows a file of the sandbox as a page of the gateway.",
        content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
      },
      ...describeProblems(...ofToken, "404 file_not_found"),
    },
  })

  app.openAPIRegistry.registerPath(route)
  // The pattern matches any character. A dot would exclude line breaks, which file names may contain.
  const path = "/chat/files/:path{[\\s\\S]+}"
  for (const handler of middleware) app.get(path, handler)
  app.get(path, async (c) => {
    const name = c.req.param("path")
    const file = await openFile(c.get("session"), name)
    if (file === null) throw new Problem({ code: "file_not_found", status: 404 }, "There is no such file.")
    const content: ReadableStream<Uint8Array> = ReadableStream.from(file.content)
    // The body is not read, so the file would stay open.
    if (c.req.method === "HEAD") await content.cancel()
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(file.size),
      "content-disposition": `attachment; filename*=UTF-8''${encodeExtended(name)}`,
    }
    return c.req.method === "HEAD" ? c.body(null, 200, headers) : c.body(content, 200, headers)
  })
}

/** Encodes a name by RFC 8187, section 3.2.1. */
function encodeExtended(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1)
  return encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}
