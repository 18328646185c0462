import { expect, it, onTestFinished, vi } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { waitsResponseSchema } from "../wires/native/schemas/waits.ts"
import { createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const shape = { inputSchema: { type: "object" }, description: "Does it." } as const

/** Creates a session whose run waits for an approval, a client tool and an answer to a question. */
async function waitingSession() {
  const gateway = createAgent("You ask.", {
    store: "memory",
    logger,
    redact: ["password"],
    provider: scriptedProvider([
      [
        { type: "toolCall", name: "erase", input: { path: "a", password: "hunter22" } },
        { type: "toolCall", name: "locate", input: {} },
        { type: "toolCall", name: "confirm", input: {} },
      ],
    ]),
    tools: [
      tool({ ...shape, name: "erase", needsApproval: true, execute: () => 1 }),
      tool({ ...shape, name: "locate", executionLocation: "client" }),
      tool({
        ...shape,
        name: "confirm",
        execute: (_input, { ask }) =>
          ask({ mode: "form", message: "Sure?", schema: { type: "object", properties: {} } }),
      }),
    ],
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const call = async (path: string, init: RequestInit) =>
    gateway.fetch(new Request(`http://g/api${path}`, init))
  const json = { "content-type": "application/json" }
  const post = (path: string, body: object, headers: Record<string, string>) =>
    call(path, { method: "POST", headers, body: JSON.stringify(body) })
  const init = await post("/chat/init", { api_key: "key" }, json)
  const { session_token: token } = (await init.json()) as { readonly session_token: string }
  const headers = { ...json, authorization: `Bearer ${token}` }
  const chat = await post("/chat", { message: "Go." }, headers)
  onTestFinished(async () => chat.body?.cancel())
  return { get: async (path: string) => (await call(path, { headers })).json() as Promise<unknown> }
}

it("lists every open wait as the history does, in order and redacted", async () => {
  const { get } = await waitingSession()
  const waits = await vi.waitUntil(async () => {
    const body = await get("/chat/waits")
    expect(waitsResponseSchema.parse(body)).toEqual(body)
    const found = waitsResponseSchema.parse(body).waits
    return found.length === 3 ? found : null
  })
  const history = (await get("/chat/history")) as Record<string, unknown[]>
  expect(new Set(waits.map(({ wait_id }) => wait_id)).size).toBe(3)
  const ofKind = (kind: string) =>
    waits.flatMap(({ kind: own, wait_id: _, ...wait }) => (own === kind ? [wait] : []))
  expect(ofKind("approval")).toEqual(history.pending_approvals)
  expect(ofKind("client_tool")).toEqual(history.pending_tool_calls)
  expect(ofKind("elicitation")).toEqual(history.pending_elicitations)
  expect(ofKind("approval")).toHaveLength(1)
  expect(JSON.stringify(waits)).toContain('"path":"a"')
  expect(JSON.stringify(waits)).not.toContain("hunter22")
})
