import { ServerResponse } from "node:http"
import { describe, expect, it, vi } from "vitest"
import type { HttpAppOptions } from "../app.ts"
import { createTestApp, readProblem } from "../fixtures/test-app.ts"
import type { Reach } from "./host-guard.ts"

interface Asked {
  readonly options?: Partial<HttpAppOptions>
  readonly reach?: Reach | "mounted"
  readonly url?: string
}

/** Resolves to the result of a POST without a body, which a page of any site can send. */
async function ask(
  headers: Readonly<Record<string, string>>,
  { options, reach = "mounted", url }: Asked = {},
) {
  // Identifies everyone: by a cookie, by HTTP authentication, or because of the network.
  const authenticate = vi.fn(async () => ({ userId: "ada" }))
  const app = createTestApp({ authenticate, ...options })
  const request = new Request(url ?? "http://gateway.test/api/chat/init", { method: "POST", headers })
  const response = Object.assign(Object.create(ServerResponse.prototype), {
    req: { url: "/api/chat/init", complete: true, read: () => null },
  })
  const answer = await app.handle(request, reach === "mounted" ? {} : { ownServer: { response, reach } })
  if (answer.status === 200) return "200"
  expect(authenticate).not.toHaveBeenCalled()
  return `${answer.status} ${(await readProblem(answer)).code}`
}

const refusedOrigin = "403 origin_not_allowed"
const refusedHost = "421 host_not_allowed"
const host = "gateway.test"

describe("a request that a browser authenticates", () => {
  const ways = [
    ["by cookie", { cookie: "sid=1" }],
    ["by Basic", { authorization: "Basic YTpi" }],
    ["by basic in lower case", { authorization: "basic YTpi" }],
    ["by Digest", { authorization: 'Digest username="a"' }],
    ["by Negotiate", { authorization: "Negotiate abc" }],
    ["by NTLM", { authorization: " NTLM abc" }],
    ["by its network address or certificate", {}],
  ] as const

  describe.each(ways)("%s", (_, credentials) => {
    it.each([
      ["another site", "https://evil.example"],
      ["a sandboxed frame or a file", "null"],
      ["another subdomain", "http://other.gateway.test"],
      ["another port", "http://gateway.test:8080"],
      ["a port of this machine", "http://localhost:5173"],
      ["a name that only begins the same", "http://gateway.test.evil.example"],
      ["no URL", "gateway.test"],
    ])("is refused from a page of %s", async (_, origin) => {
      expect(await ask({ ...credentials, host, origin })).toBe(refusedOrigin)
    })

    it("is refused without an origin, which every browser sends", async () => {
      expect(await ask({ ...credentials, host })).toBe(refusedOrigin)
    })

    it("is accepted from the gateway's own pages, and from the origins of corsOrigins", async () => {
      expect(await ask({ ...credentials, host, origin: "http://gateway.test" })).toBe("200")
      const options = { corsOrigins: ["https://app.example"] }
      expect(await ask({ ...credentials, host, origin: "https://app.example" }, { options })).toBe("200")
      expect(await ask({ ...credentials, host, origin: "https://evil.example" }, { options })).toBe(
        refusedOrigin,
      )
    })
  })

  it("cannot be allowed for pages of every origin", async () => {
    await expect(ask({ host }, { options: { corsOrigins: ["*"] } })).rejects.toThrow(/corsOrigins/)
  })

  it("is refused from a port of this machine in development, unless corsOrigins names it", async () => {
    const options = { allowLocalhost: true }
    const headers = { host: "localhost:8000", origin: "http://localhost:5173" }
    expect(await ask(headers, { options })).toBe(refusedOrigin)
    const named = { ...options, corsOrigins: ["http://localhost:5173"] }
    expect(await ask(headers, { options: named })).toBe("200")
  })

  it("is accepted from the own page by https behind a proxy, and refused from one by http", async () => {
    expect(await ask({ host, origin: "https://gateway.test" })).toBe("200")
    const proxied = { host, "x-forwarded-proto": "https" }
    const options = { trustProxy: 1 }
    expect(await ask({ ...proxied, origin: "https://gateway.test" }, { options })).toBe("200")
    expect(await ask({ ...proxied, origin: "http://gateway.test" }, { options })).toBe(refusedOrigin)
    const url = "https://gateway.test/api/chat/init"
    expect(await ask({ host, origin: "http://gateway.test" }, { url })).toBe(refusedOrigin)
    expect(await ask({ host: "gateway.test:443", origin: "https://gateway.test" }, { url })).toBe("200")
  })

  it("is refused for a host that an attacker may have registered, on the gateway's own server", async () => {
    const rebound = { host: "evil.example:8000", origin: "http://evil.example:8000" }
    expect(await ask(rebound, { reach: "loopback" })).toBe(refusedHost)
    expect(await ask(rebound, { reach: "network" })).toBe(refusedHost)
    const own = { host: "gateway.example", origin: "https://gateway.example" }
    const options = { allowedHosts: ["gateway.example"] }
    expect(await ask(own, { reach: "network", options })).toBe("200")
    expect(await ask(rebound, { reach: "network", options })).toBe(refusedHost)
    const local = { host: "localhost:8000", origin: "http://localhost:8000" }
    expect(await ask(local, { reach: "loopback" })).toBe("200")
  })
})

describe("with publicUrl, a request that a browser authenticates", () => {
  const options = { publicUrl: "https://agents.example/gateway" }

  it("is accepted from pages of that address, whatever host a proxy sends", async () => {
    const origin = "https://agents.example"
    expect(await ask({ host: "10.0.0.7:8000", origin }, { options, reach: "network" })).toBe("200")
    expect(await ask({ host: "agents.example", origin }, { options, reach: "network" })).toBe("200")
  })

  it("is refused from the host in the request, and from other forms of that address", async () => {
    for (const origin of ["http://agents.example", "https://agents.example:8443", "http://gateway.test"])
      expect(await ask({ host, origin }, { options })).toBe(refusedOrigin)
    const rebound = { host: "evil.example", origin: "https://agents.example" }
    expect(await ask(rebound, { options, reach: "network" })).toBe(refusedHost)
  })
})

describe("a request that no browser authenticates by itself", () => {
  it.each([{ authorization: "Bearer token" }, { authorization: "Custom ada" }])(
    "is accepted from everywhere: %j",
    async (credentials) => {
      expect(await ask({ ...credentials, host })).toBe("200")
      expect(await ask({ ...credentials, host: "any.example" }, { reach: "network" })).toBe("200")
      expect(await ask({ ...credentials, host, origin: "https://app.example" })).toBe("200")
    },
  )

  it("is one with an API key", async () => {
    const app = createTestApp({ validApiKeys: ["key"] })
    const body = '{"api_key":"key"}'
    const headers = { "content-type": "application/json", origin: "https://app.example" }
    expect((await app.fetch("/api/chat/init", { method: "POST", headers, body })).status).toBe(200)
  })
})
