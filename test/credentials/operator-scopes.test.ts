import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { AnyOperation } from "../../src/operations/operation.ts"
import { operations } from "../../src/operations/operations.ts"
import { operatorScopes } from "../../src/operations/scopes.ts"
import { quiet } from "../contract/gateway-under-test.ts"

const keyOf = (scope: string) => `the-key-of-${scope}-only`
const gateway = createAgent("You answer.", {
  provider: "demo",
  store: "memory",
  logger: quiet,
  validApiKeys: ["an-api-key-of-clients"],
  rateLimits: false,
  operatorKeys: [
    ...operatorScopes.map((scope) => ({ key: keyOf(scope), name: scope, scopes: [scope] })),
    { key: "the-key-of-one-tenant", name: "tenant", scopes: operatorScopes, tenant: "app_acme" },
  ],
})
const all = Object.entries<AnyOperation>(operations)

beforeAll(() => gateway.prepare())
afterAll(() => gateway.close({ graceMs: 0 }))

/** Sends an operation without an input. Resolves to the status and the code of its problem. */
async function send({ route }: AnyOperation, authorization: string, headers = {}) {
  const [method = "", path = ""] = route.split(" ")
  const request = new Request(`http://127.0.0.1/api/operate${path.replaceAll(/[{}]/g, "")}`, {
    method,
    headers: { authorization, ...headers },
  })
  const response = await gateway.fetch(request)
  const { code = null } = (await response.json()) as { readonly code?: string }
  return `${response.status} ${code}`
}

describe.each(all)("%s", (_, operation) => {
  it.each(operatorScopes)("with the scope %s alone is open or 403", async (scope) => {
    const isOpen = operation.access === "any" || operation.access === scope
    const found = await send(operation, `Bearer ${keyOf(scope)}`)
    if (isOpen) expect(found).not.toMatch(/^40[13]/)
    else expect(found).toBe("403 scope_missing")
  })

  it("is 403 for an operator of one tenant exactly if it concerns all tenants", async () => {
    const found = await send(operation, "Bearer the-key-of-one-tenant")
    expect(found === "403 tenant_restricted").toBe(operation.tenant === "global")
  })

  it("is 401 without an operator key, with an API key, and with a session token", async () => {
    const init = await gateway.fetch(
      new Request("http://127.0.0.1/api/chat/init", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ api_key: "an-api-key-of-clients" }),
      }),
    )
    const { session_token } = (await init.json()) as { readonly session_token: string }
    for (const credential of ["", "Bearer ", "Bearer an-api-key-of-clients", `Bearer ${session_token}`])
      expect(await send(operation, credential)).toBe("401 invalid_credentials")
  })
})

it("the OpenAPI document has each operation with its scope", async () => {
  const response = await gateway.fetch(new Request("http://127.0.0.1/api/openapi.json"))
  const { paths } = (await response.json()) as {
    readonly paths: Record<
      string,
      Record<string, { operationId?: string; security?: object[]; tags?: string[] }>
    >
  }
  const described = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ tags }) => tags?.includes("operate"))
    .map(({ operationId, security }) => [operationId, security])
  const expected = all.map(([name, { access }]) => [
    name,
    [{ operatorKey: access === "any" ? [] : [access] }],
  ])
  expect(described.toSorted()).toEqual(expected.toSorted())
})

it("docs/operators.md lists each operation with its route and its scope", () => {
  const page = readFileSync(new URL("../../docs/operators.md", import.meta.url), "utf8")
  const rows = page.match(/^\| `\w+\.\w+` \| .*$/gm)
  const expected = all.map(([name, { route, access }]) => {
    return `| \`${name}\` | \`${route}\` | ${access === "any" ? "any" : `\`${access}\``} |`
  })
  expect(rows).toEqual(expected)
})
