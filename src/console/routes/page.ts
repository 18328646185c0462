import { createHash } from "node:crypto"
import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { type PageFile, readPageFiles } from "../page-files.ts"

const notBuilt =
  "The console is not built. In a clone of the repository, run `npm run build`, and start the gateway again."

/** Serves the built page at `path`, and redirects the root to it. */
export function addPageRoutes(root: OpenAPIHono<HttpEnv>, path: string, folder: string): void {
  let reading: Promise<ReadonlyMap<string, PageFile>> | null = null
  const readFilesOnce = () => {
    reading ??= readPageFiles(folder)
    return reading
  }
  const toPage = (c: Context<HttpEnv>) => c.redirect(`${path}/`, 302)

  root.get("/", toPage)
  root.get(path, toPage)
  root.get(`${path}/`, async (c) => send(c, (await readFilesOnce()).get("index.html")))
  root.get(`${path}/assets/:name`, async (c) => {
    return send(c, (await readFilesOnce()).get(`assets/${c.req.param("name")}`))
  })
}

function send(c: Context<HttpEnv>, file: PageFile | undefined): Response {
  if (file === undefined) {
    const isPage = c.req.path.endsWith("/")
    throw new Problem(
      { code: isPage ? "console_not_built" : "not_found", status: isPage ? 503 : 404 },
      isPage ? notBuilt : "No such path.",
    )
  }
  const etag = `"${createHash("sha256").update(file.body).digest("base64url").slice(0, 22)}"`
  const headers = {
    "content-type": file.type,
    "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    ...pageSecurityHeaders,
    vary: "accept-encoding",
    etag,
  }
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers)
  const takesGzip = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "")
  if (!takesGzip) return c.body(file.body, 200, headers)
  return c.body(file.gzipped, 200, { ...headers, "content-encoding": "gzip" })
}

/**
 * Scripts and styles come only from the gateway, and no text becomes markup. Only images inside the page are allowed,
 * because the URL of an external image could leak data that a model received.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ")

/** Headers of the page and its files, in addition to those of every response. */
const pageSecurityHeaders = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
} as const
