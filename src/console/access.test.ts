import { ServerResponse } from "node:http"
import { describe, expect, test } from "vitest"
import { createTestApp, readProblem } from "../http/fixtures/test-app.ts"
import { requireAccess, requireOwnPage } from "./access.ts"

/** Resolves to the result of a request to a console without a key. */
async function ask(headers: Readonly<Record<string, string>>): Promise<string> {
  const app = createTestApp({
    allowLocalhost: true,
    addPages(root) {
      root.get("/console/api/info", requireAccess({ type: "loopback" }), (c) => c.text("ok"))
    },
  })
  const url = "http://localhost:8000/console/api/info"
  const response: ServerResponse = Object.assign(Object.create(ServerResponse.prototype), { req: { url } })
  const answer = await app.handle(new Request(url, { headers: { host: "localhost:8000", ...headers } }), {
    ownServer: { response, reach: "loopback" },
  })
  return answer.status === 200 ? "200" : `${answer.status} ${(await readProblem(answer)).code}`
}

const browser = {
  accept: "*/*",
  "accept-encoding": "gzip, deflate, br, zstd",
  "accept-language": "en",
  "cache-control": "no-cache",
  dnt: "1",
  origin: "http://localhost:8000",
  pragma: "no-cache",
  priority: "u=1",
  referer: "http://localhost:8000/console/",
  "sec-ch-ua": '"Chromium";v="143"',
  "sec-ch-ua-platform": '"Linux"',
  "sec-fetch-dest": "empty",
  "sec-fetch-mode": "cors",
  "sec-fetch-site": "same-origin",
  "sec-gpc": "1",
  "user-agent": "Mozilla/5.0",
}

test("a browser on this machine may use a console without a key", async () => {
  expect(await ask(browser)).toBe("200")
})

test("a page of the public address is the console's own, also if a proxy replaces the host", async () => {
  const app = createTestApp({
    validApiKeys: ["key"],
    addPages(root) {
      root.get("/console/api/info", requireOwnPage("https://agents.example"), (c) => c.text("ok"))
    },
  })
  const statusOf = async (origin: string, page = "1") => {
    const headers = { host: "10.0.0.7:8000", origin, "x-agent-gateway-console": page }
    const request = new Request("http://10.0.0.7:8000/console/api/info", { headers })
    return (await app.handle(request, {})).status
  }
  expect(await statusOf("https://agents.example")).toBe(200)
  expect(await statusOf("http://10.0.0.7:8000")).toBe(200)
  expect(await statusOf("https://agents.example", "")).toBe(403)
  for (const origin of ["https://evil.example", "https://agents.example.evil.example", "null"])
    expect(await statusOf(origin)).toBe(403)
})

/** The headers that each product adds, as its documentation, its source or its issues list them. */
const tunnels: Readonly<Record<string, readonly string[]>> = {
  "a proxy": ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"],
  cloudflared: ["cf-connecting-ip", "cf-ray", "cf-visitor", "cf-ipcountry", "cf-warp-tag-id", "cdn-loop"],
  ngrok: ["x-forwarded-for", "x-forwarded-host", "x-original-host", "ngrok-auth-user-email"],
  "Tailscale serve": [
    "x-forwarded-for",
    "tailscale-user-login",
    "tailscale-user-name",
    "tailscale-headers-info",
  ],
  "Tailscale funnel": ["tailscale-funnel-request"],
  localtunnel: ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "bypass-tunnel-reminder"],
  "VS Code dev tunnels": [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-original-proto",
    "x-tunnel-authorization",
  ],
  Codespaces: ["x-forwarded-host", "x-forwarded-scheme", "x-original-host"],
  Expose: ["x-expose-request-id", "x-exposed-by", "x-original-host"],
  Envoy: ["x-envoy-external-address"],
  "a content delivery network": ["true-client-ip", "x-client-ip", "x-cluster-client-ip"],
}

describe.each(Object.entries(tunnels))("a request through %s is refused", (_, names) => {
  test.each(names)("by its header %s", async (name) => {
    expect(await ask({ ...browser, [name]: "1" })).toBe("403 console_not_local")
  })
})
