import { ServerResponse } from "node:http"
import { describe, expect, it } from "vitest"
import type { HttpAppOptions } from "../app.ts"
import { createTestApp, readProblem } from "../fixtures/test-app.ts"
import type { Reach } from "./host-guard.ts"

/** Resolves to the response of a gateway on its own server to a request with this host. */
async function ask(
  headers: Readonly<Record<string, string>>,
  options: Partial<HttpAppOptions> = {},
  reach: Reach | "mounted" = "loopback",
  target = "/api/health",
) {
  const app = createTestApp(options)
  const response = Object.assign(Object.create(ServerResponse.prototype), { req: { url: target } })
  const bindings = reach === "mounted" ? {} : { ownServer: { response, reach } }
  const answer = await app.handle(new Request("http://127.0.0.1/api/health", { headers }), bindings)
  return answer.status === 200 ? "200" : `${answer.status} ${(await readProblem(answer)).code}`
}

const refusedHost = "421 host_not_allowed"
const refusedOrigin = "403 origin_not_allowed"

describe("an open gateway on a loopback address", () => {
  it.each([
    "localhost",
    "LOCALHOST:8000",
    "localhost.:8000",
    "agent.localhost:8000",
    "127.0.0.1",
    "127.8.9.10:1",
    "[::1]:8000",
    "[::ffff:127.0.0.1]:8000",
    "[::ffff:7f00:1]:8000",
  ])("serves the host %s", async (host) => {
    expect(await ask({ host })).toBe("200")
  })

  it.each([
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-localhost",
    "192.0.2.7",
    "[2001:db8::1]",
    "[::ffff:192.0.2.7]",
    "[7f00:1::]",
    "[::7f00:1]",
    "user@localhost",
    "",
    "a b",
  ])("refuses the host %j", async (host) => {
    expect(await ask({ host })).toBe(refusedHost)
  })

  it.each([
    ["http://evil.example/api/health", refusedHost],
    ["https://user@localhost.evil.example/api/health", refusedHost],
    ["http://LOCALHOST:8000/api/health", "200"],
    ["/http://evil.example", "200"],
    ["//evil.example", "200"],
  ])("checks the host in the target %s", async (url, answer) => {
    expect(await ask({ host: "localhost" }, {}, "loopback", url)).toBe(answer)
  })

  it("serves the host of publicUrl, and the pages of that address", async () => {
    const options = { publicUrl: "https://agents.example" }
    const host = "agents.example"
    expect(await ask({ host, origin: "https://agents.example" }, options)).toBe("200")
    expect(await ask({ host: "localhost", origin: "https://agents.example" }, options)).toBe("200")
    expect(await ask({ host: "www.agents.example" }, options)).toBe(refusedHost)
    expect(await ask({ host, origin: "https://www.agents.example" }, options)).toBe(refusedOrigin)
  })

  it("refuses before any other check, for any request", async () => {
    const app = createTestApp()
    const response = Object.create(ServerResponse.prototype) as ServerResponse
    for (const [method, path] of [
      ["POST", "/api/chat/init"],
      ["GET", "/api/openapi.json"],
      ["OPTIONS", "/api/chat"],
      ["GET", "/nothing"],
    ] as const) {
      const request = new Request(`http://127.0.0.1${path}`, { method, headers: { host: "evil.example" } })
      const answer = await app.handle(request, { ownServer: { response, reach: "loopback" } })
      expect(answer.status).toBe(421)
    }
  })

  it.each(["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000"])(
    "serves pages of %s",
    async (origin) => {
      expect(await ask({ host: "localhost:8000", origin })).toBe("200")
    },
  )

  it.each([
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "file://",
    "https://localhost@evil.example",
  ])("refuses pages of %s", async (origin) => {
    expect(await ask({ host: "localhost:8000", origin })).toBe(refusedOrigin)
  })

  it("serves the hosts and origins that the operator names", async () => {
    const options = { allowedHosts: ["gateway.example"], corsOrigins: ["https://app.example"] }
    expect(await ask({ host: "Gateway.example:443" }, options)).toBe("200")
    expect(await ask({ host: "gateway.example", origin: "https://gateway.example" }, options)).toBe("200")
    expect(await ask({ host: "localhost", origin: "https://app.example" }, options)).toBe("200")
    expect(await ask({ host: "evil.example", origin: "https://app.example" }, options)).toBe(refusedHost)
    expect(await ask({ host: "localhost", origin: "https://evil.example" }, options)).toBe(refusedOrigin)
    expect(await ask({ host: "any.example" }, { allowedHosts: ["*"] })).toBe("200")
  })
})

describe("an open gateway on an address of the network", () => {
  it.each(["192.0.2.7:8000", "[2001:db8::1]", "gateway:8000", "localhost"])("serves %s", async (host) => {
    expect(await ask({ host }, {}, "network")).toBe("200")
  })

  it("refuses names that anyone can register", async () => {
    expect(await ask({ host: "evil.example" }, {}, "network")).toBe(refusedHost)
  })
})

describe("other gateways", () => {
  const evil = { host: "evil.example", origin: "https://evil.example" }

  it("with keys serve any host, because a page has no key", async () => {
    expect(await ask(evil, { validApiKeys: ["key"] })).toBe("200")
    expect(await ask(evil, { authenticate: async () => null })).toBe("200")
  })

  it("with keys check hosts in development as well", async () => {
    expect(await ask(evil, { validApiKeys: ["key"], allowLocalhost: true })).toBe(refusedHost)
  })

  it("that are mounted leave the host to the outer server, unless they name hosts", async () => {
    expect(await ask({ host: "app.example" }, {}, "mounted")).toBe("200")
    expect(await ask(evil, {}, "mounted")).toBe("200")
    expect(await ask(evil, { allowedHosts: [] }, "mounted")).toBe(refusedHost)
    expect(await ask(evil, { allowedHosts: ["evil.example"] }, "mounted")).toBe("200")
  })

  it("that are mounted and open refuse pages of other origins", async () => {
    const crossing = { host: "app.example", origin: "https://evil.example" }
    expect(await ask(crossing, {}, "mounted")).toBe(refusedOrigin)
    expect(await ask({ ...crossing, origin: "null" }, {}, "mounted")).toBe(refusedOrigin)
    expect(await ask({ ...crossing, origin: "https://app.example" }, {}, "mounted")).toBe("200")
    expect(await ask(crossing, { corsOrigins: ["https://evil.example"] }, "mounted")).toBe("200")
    expect(await ask(crossing, { validApiKeys: ["key"] }, "mounted")).toBe("200")
  })

  it("with keys check hosts when they name some", async () => {
    const options = { validApiKeys: ["key"], allowedHosts: ["gateway.example"] }
    expect(await ask(evil, options)).toBe(refusedHost)
    expect(await ask({ host: "gateway.example" }, options)).toBe("200")
  })
})

it.each(["https://gateway.example", "gateway.example:8000", "gateway.example/", ""])(
  "allowedHosts refuses %j at the start",
  (host) => {
    expect(() => createTestApp({ allowedHosts: [host] })).toThrow(/is not a host name|is empty/)
  },
)
