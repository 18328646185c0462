import { createServer, request } from "node:http"
import { expect, it, onTestFinished, vi } from "vitest"
import { findFreePort } from "../testing/fixtures/free-port.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

function open(options: AgentOptions) {
  const logger = { debug() {}, info: vi.fn(), warn() {}, error() {} }
  const gateway = createAgent("Hi.", { store: "memory", provider: scriptedProvider([]), logger, ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const read = async (key: string) => {
    const headers = { authorization: `Bearer ${key}` }
    const response = await gateway.fetch(new Request("http://gateway/api/metrics", { headers }))
    const text = await response.text()
    return [response.status, response.ok ? text.includes("agent_gateway_store_up 1") : JSON.parse(text).code]
  }
  return { gateway, read, logger }
}

it("only operators with the scope metrics for all tenants read the metrics", async () => {
  const [metrics, others, ofTenant] = ["a-key-for-metrics", "a-key-for-the-rest", "a-key-of-one-tenant"]
  const { read } = open({
    operatorKeys: [
      { key: metrics, name: "prometheus", scopes: ["metrics"] },
      { key: others, name: "other", scopes: ["read", "content", "approve", "operate"] },
      { key: ofTenant, name: "support", scopes: ["metrics"], tenant: "app_acme" },
    ],
    validApiKeys: ["a-key-of-a-client"],
  })
  expect(await read(metrics)).toEqual([200, true])
  expect(await read(others)).toEqual([403, "scope_missing"])
  expect(await read(ofTenant)).toEqual([403, "tenant_restricted"])
  expect(await read("a-key-of-a-client")).toEqual([401, "invalid_credentials"])
})

it("without operators, no one reads the metrics on the gateway's own port", async () => {
  const { read } = open({ operatorKeys: [] })
  expect(await read("any-key-at-all-is-wrong")).toEqual([401, "invalid_credentials"])
})

it("metricsPort serves only the metrics, without a key, and not to pages of other hosts", async () => {
  const { gateway, logger } = open({ metricsPort: 0 })
  await gateway.prepare()
  const [logged] =
    logger.info.mock.calls.find(([, text]) => String(text).startsWith("Metrics are served")) ?? []
  const url = new URL(String(logged.url))
  expect(url.hostname).toBe("127.0.0.1")
  const status = (path: string, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ port: url.port, host: url.hostname, path, headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on("error", reject).end()
    })
  expect(await status("/metrics", "localhost")).toBe(200)
  expect(await status("/metrics", "evil.example")).toBe(421)
  expect(await status("/api/ready", "localhost")).toBe(404)
  await gateway.close({ graceMs: 0 })
  await expect(status("/metrics", "localhost")).rejects.toMatchObject({ code: "ECONNREFUSED" })
})

it("a metricsPort in use stops the start with a sentence", async () => {
  const port = await findFreePort()
  const other = createServer().listen(port, "127.0.0.1")
  onTestFinished(() => void other.close())
  const { gateway } = open({ metricsPort: port })
  await expect(gateway.prepare()).rejects.toThrow(/^metricsPort: the gateway cannot listen on 127\.0\.0\.1:/)
})

it("a start that fails gives up metricsPort, so that the next start can use it", async () => {
  const start = vi.fn<() => void>().mockImplementationOnce(() => {
    throw new Error("not yet")
  })
  const { gateway } = open({
    metricsPort: await findFreePort(),
    plugins: [{ name: "slow", setup: () => ({ start }) }],
  })
  await expect(gateway.prepare()).rejects.toThrow("not yet")
  await gateway.prepare()
  expect(start).toHaveBeenCalledTimes(2)
})
