import { expect, it, onTestFinished } from "vitest"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAgent } from "../create-agent.ts"

it("a plugin's route for operators needs the scope operate for all tenants", async () => {
  const [reader, ofTenant, operator] = [
    "a-key-that-only-reads",
    "a-key-of-one-tenant-only",
    "a-key-of-everything",
  ]
  const plugin = {
    name: "own",
    setup: () => ({
      routes: { "GET /figures": { access: "operator" as const, handle: () => Response.json({ ok: true }) } },
    }),
  }
  const gateway = createAgent("Hi.", {
    store: "memory",
    provider: scriptedProvider([]),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    plugins: [plugin],
    operatorKeys: [
      { key: reader, name: "reader", scopes: ["metrics", "read", "content", "approve"] },
      { key: ofTenant, name: "support", scopes: ["operate"], tenant: "app_acme" },
      operator,
    ],
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const figures = async (key: string) => {
    const headers = { authorization: `Bearer ${key}` }
    const response = await gateway.fetch(new Request("http://gateway/api/figures", { headers }))
    const body = (await response.json()) as { readonly code?: string }
    return [response.status, body.code]
  }
  expect(await figures(reader)).toEqual([403, "scope_missing"])
  expect(await figures(ofTenant)).toEqual([403, "tenant_restricted"])
  expect(await figures(operator)).toEqual([200, undefined])
})
