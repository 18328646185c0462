import { expect, test } from "vitest"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { access, type ClientPaths, describeSecurity, type Sender } from "../../src/http/auth/access.ts"
import { senders } from "./access-table.ts"
import {
  apiKey,
  bearer,
  issueTokens,
  openCookieGateway,
  openGateway,
  origin,
  post,
  send,
  sendRaw,
} from "./clients.ts"

/** Every path of the OpenAPI document with a row of the table, and those of other protocols. */
interface Operation {
  readonly paths: ClientPaths
  readonly method: string
  readonly path: string
}

const options = { memory: true, allowSchedules: true } as const
const byKey = () => openGateway(options)
const byCookie = () => openCookieGateway(options)

const operations = await listOperations()

const cells = operations.flatMap((operation) =>
  senders.map(([sender]) => [`${operation.method} ${operation.path}`, sender, operation] as const),
)

test("the document has every group of paths of the table", () => {
  const found = new Set(operations.map(({ paths }) => paths))
  expect([...found].sort()).toEqual(["revoke", "session", "user", "wire"])
  expect(operations.length).toBeGreaterThan(30)
})

test.each(cells)("%s with %s is decided by the table", async (_, sender, { paths, method, path }) => {
  const gateway = sender === "authenticate" ? byCookie() : byKey()
  const headers = await createHeaders(gateway, sender)
  const body = method === "POST" ? {} : undefined
  const response = await sendRaw(gateway, path, { method, headers, body })
  const code = await readCode(response)
  switch (access[paths].verdicts[sender]) {
    case "yes":
      expect([
        "credential_not_accepted",
        "user_required",
        "invalid_token",
        "invalid_credentials",
      ]).not.toContain(code)
      expect(response.status).not.toBe(401)
      return
    case "noUser":
      return expect([response.status, code]).toEqual([403, "user_required"])
    case "403":
      return expect([response.status, code]).toEqual([403, "credential_not_accepted"])
    case "401":
      return expect([response.status, code]).toEqual([401, "invalid_token"])
  }
})

test.each(operations.map((each) => [`${each.method} ${each.path}`, each] as const))(
  "%s without a credential, or with a false one, is refused with 401",
  async (_, { method, path }) => {
    const gateway = byKey()
    const body = method === "POST" ? {} : undefined
    for (const headers of [{}, bearer("a false key"), bearer("a.b.c"), { cookie: "user=ada" }])
      expect((await sendRaw(gateway, path, { method, headers, body })).status).toBe(401)
  },
)

test.each(["init", "initUser"] as const)("/chat/init is decided by the row %s of the table", async (row) => {
  const scope = row === "initUser" ? { scope: "user" } : {}
  const statuses: Record<string, string> = {}
  for (const [sender] of senders) {
    const gateway = sender === "authenticate" ? byCookie() : byKey()
    const key = sender === "authenticate" ? {} : { api_key: apiKey }
    const user = sender === "apiKeyForUser" ? { user_id: "ada" } : {}
    const isKey = sender === "apiKey" || sender === "apiKeyForUser"
    const headers = isKey ? {} : await createHeaders(gateway, sender)
    const { status, code } = await post(gateway, "/chat/init", {
      headers,
      body: { ...key, ...user, ...scope },
    })
    statuses[sender] = status === 200 ? "yes" : code === "user_required" ? "noUser" : String(status)
  }
  expect(statuses).toEqual(access[row].verdicts)
})

async function createHeaders(gateway: Gateway, sender: Sender): Promise<Record<string, string>> {
  switch (sender) {
    case "sessionToken":
      return bearer((await issueTokens(gateway, "ada")).sessionToken)
    case "userToken":
      return bearer((await issueTokens(gateway, "ada")).userToken)
    case "apiKeyForUser":
      return { ...bearer(apiKey), "x-user-id": "ada" }
    case "apiKey":
      return bearer(apiKey)
    case "authenticate":
      return { cookie: "user=ada", origin }
  }
}

async function listOperations(): Promise<readonly Operation[]> {
  const { createAgent } = await import("../../src/gateway/create-agent.ts")
  const gateway = createAgent("", { ...options, store: "memory", provider: "demo", validApiKeys: [apiKey] })
  const { body } = await send(gateway, "/openapi.json")
  await gateway.close({ graceMs: 0 })
  const paths = body.paths as Record<string, Record<string, { readonly security?: readonly object[] }>>
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security = [] }]) => {
      const row = findRow(path, security)
      const sent = path
        .replace(/^\/api/, "")
        .replace("{name}", "agent")
        .replaceAll(/\{\w+\}/g, "x")
      return row === null ? [] : [{ paths: row, method: method.toUpperCase(), path: sent }]
    }),
  )
  const wires = [
    ...["POST /ai-sdk/chat", "GET /ai-sdk/chat/x/stream", "POST /ai-sdk/chat/x/stop", "POST /ag-ui"],
    ...["POST /agents/agent/ag-ui", "POST /v1/responses", "GET /v1/responses/x", "DELETE /v1/responses/x"],
    ...["POST /v1/responses/x/cancel", "GET /v1/models", "GET /v1/models/agent"],
  ]
  return [...documented, ...wires.map((each) => ({ paths: "wire" as const, ...splitRoute(each) }))]
}

/** Returns the row with the same credentials. The document of an operation says only these. */
function findRow(path: string, security: readonly object[]): ClientPaths | null {
  if (security.length === 0 || path.endsWith("/chat/init")) return null
  if (path.endsWith("/chat/revoke")) return "revoke"
  const described = JSON.stringify(security)
  return (
    (["session", "user"] as const).find((row) => JSON.stringify(describeSecurity(row)) === described) ?? null
  )
}

function splitRoute(route: string) {
  const [method = "", path = ""] = route.split(" ")
  return { method, path }
}

async function readCode(response: Response): Promise<string | null> {
  if (response.headers.get("content-type")?.includes("event-stream")) {
    await response.body?.cancel()
    return null
  }
  const text = await response.text()
  return /"code":"(\w+)"/.exec(text)?.[1] ?? null
}
