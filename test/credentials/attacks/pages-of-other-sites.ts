import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { text } from "node:stream/consumers"
import { describe, expect, onTestFinished, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { type Openers, origin, post, quiet, send, sendRaw } from "../clients.ts"

const cookie = { cookie: "user=ada" }
const evil = "https://evil.example"
const refusedOrigin = { status: 403, code: "origin_not_allowed" }

/** Registers what pages of other sites try. */
export function testPagesOfOtherSites({ openCookieGateway }: Pick<Openers, "openCookieGateway">): void {
  describe("pages of other sites", () => {
    test("1. a foreign POST without a body, with the user's cookie, is refused", async () => {
      const gateway = openCookieGateway({ corsOrigins: ["https://app.example"] })
      for (const from of [{ origin: evil }, {}])
        for (const path of ["/chat/init", "/chat/revoke", "/ai-sdk/chat/x/stop"])
          expect((await post(gateway, path, { headers: { ...cookie, ...from } })).status).toBe(403)
      const own = await post(gateway, "/chat/init", { headers: { ...cookie, origin } })
      const named = await post(gateway, "/chat/init", {
        headers: { ...cookie, origin: "https://app.example" },
      })
      expect([own.status, named.status]).toEqual([200, 200])
    })

    test("2. the origin null is refused", async () => {
      const sent = { headers: { ...cookie, origin: "null" } }
      expect(await post(openCookieGateway(), "/chat/init", sent)).toMatchObject(refusedOrigin)
      expect(await send(openCookieGateway(), "/sessions", sent)).toMatchObject(refusedOrigin)
    })

    test("3. Basic, Digest, Negotiate and NTLM of a foreign page are refused", async () => {
      const gateway = openCookieGateway()
      for (const scheme of ["Basic YTpi", "basic YTpi", "Digest x", "Negotiate x", "NTLM x"])
        for (const path of ["/chat/init", "/ai-sdk/chat"]) {
          const headers = { ...cookie, origin: evil, authorization: scheme }
          expect((await post(gateway, path, { headers, body: {} })).status).toBe(403)
        }
    })

    test("a scheme that no browser adds does not let a cookie pass by the checks of its origin", async () => {
      const gateway = openCookieGateway()
      for (const scheme of ["Custom x", "Custom", "Bearer x", "Bearer", "Bearer\tx", "Token,Basic x"])
        for (const from of [{ origin: evil }, { origin }]) {
          const headers = { ...cookie, ...from, authorization: scheme }
          expect((await post(gateway, "/chat/init", { headers })).status).toBe(401)
        }
      for (const scheme of ["Basic\tYTpi", "Basic,", "Negotiate, x", "NTLM=x", "Digest"]) {
        const headers = { ...cookie, origin: evil, authorization: scheme }
        expect(await post(gateway, "/chat/init", { headers })).toMatchObject(refusedOrigin)
      }
    })

    test("4. a GET of a stream or a list that another site causes is refused", async () => {
      const gateway = openCookieGateway()
      for (const site of ["cross-site", "same-site"])
        for (const path of ["/sessions", "/ai-sdk/chat/x/stream"]) {
          const headers = { ...cookie, "sec-fetch-site": site }
          expect((await send(gateway, path, { headers })).status).toBe(403)
        }
      for (const own of [{}, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }])
        expect((await send(gateway, "/sessions", { headers: { ...cookie, ...own } })).status).toBe(200)
    })

    test("5. a host name that was rebound to the gateway is refused on the paths of other protocols", async () => {
      const gateways = [
        openCookieGateway(),
        createAgent("", { store: "memory", logger: quiet, provider: "demo" }),
      ]
      onTestFinished(async () => gateways[1]?.close({ graceMs: 0 }))
      for (const gateway of gateways) {
        const { port } = await gateway.listen({ port: 0 })
        const host = `evil.example:${port}`
        const paths = ["/api/ai-sdk/chat", "/api/chat/init", "/api/chat/revoke", "/api/ag-ui"]
        for (const path of [...paths, "/v1/responses", "/api/v1/responses"])
          expect(await postTo(port, path, { ...cookie, host, origin: `http://${host}` })).toBe(421)
      }
    })

    test("cookies of foreign pages need an origin that is named exactly", async () => {
      const app = "https://app.example"
      const gateway = openCookieGateway({ corsOrigins: [app] })
      const preflight = (from: string, path = "/sessions") => {
        const headers = { origin: from, "access-control-request-method": "GET" }
        return sendRaw(gateway, path, { method: "OPTIONS", headers })
      }
      const allowed = await preflight(app)
      expect(allowed.headers.get("access-control-allow-origin")).toBe(app)
      expect(allowed.headers.get("access-control-allow-credentials")).toBe("true")
      expect(allowed.headers.get("access-control-allow-headers")).not.toContain("x-user-id")
      expect((await preflight(evil)).headers.get("access-control-allow-origin")).toBeNull()
      for (const path of ["/operate/sessions", "/metrics"])
        expect((await preflight(app, path)).headers.get("access-control-allow-origin")).toBeNull()
      const open = openCookieGateway({ corsOrigins: ["*"] })
      await expect(send(open, "/health")).rejects.toThrow(/corsOrigins/)
    })
  })
}

/** Sends a request with a `Host` header, which `fetch` does not allow. Resolves to the status. */
async function postTo(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const sent = request({ port, host: "127.0.0.1", path, method: "POST", headers })
  sent.end()
  const [response] = (await once(sent, "response")) as [IncomingMessage]
  await text(response)
  return response.statusCode ?? 0
}
