import { expect, it, vi } from "vitest"
import type { PutOutcome } from "../../core/ports/store/session-log.ts"
import { acceptMessage, type ClientMessage, type ClientRules } from "./accept-message.ts"
import { alice } from "./fixtures/test-gateway.ts"

const session: ClientMessage["session"] = {
  ...{ id: "sess_1", ...alice, agent: "agent", externalId: null, parent: null, rootId: "sess_1", depth: 0 },
  ...{ createdAt: 0, lastUsedAt: 0, revokedAt: null, lastSeq: 0, storedBytes: 0, activeRun: null },
  hasDueWork: false,
}
const input = { type: "message", content: [{ type: "text", text: "Hi" }] } as const
const tool = (name: string) => ({ name, description: "", inputSchema: { type: "object" } })
const accepted: PutOutcome = { status: "accepted", runId: "run_1", cursor: 7 }

async function accept(rules: ClientRules, message: Partial<ClientMessage> = {}) {
  const start = vi.fn(async () => accepted)
  const { signal } = new AbortController()
  return { outcome: await acceptMessage({ start }, { session, rules, input, signal, ...message }), start }
}

it("puts a plain message into the session of its owner", async () => {
  const { outcome, start } = await accept({})
  expect(outcome).toEqual(accepted)
  expect(start).toHaveBeenCalledExactlyOnceWith({
    ...{ sessionId: "sess_1", principal: alice, input, context: {} },
    ...{ channel: null, model: null, idempotency: null },
  })
})

it("takes the channel from the context, and nothing that is no text", async () => {
  expect((await accept({}, { context: { channel: "web" } })).start).toHaveBeenCalledWith(
    expect.objectContaining({ channel: "web", context: { channel: "web" } }),
  )
  expect((await accept({}, { context: { channel: 1 } })).start).toHaveBeenCalledWith(
    expect.objectContaining({ channel: null }),
  )
})

it.each<[string, ClientRules, Partial<ClientMessage>, string]>([
  ["a model that is not allowed", { allowedModels: ["small"] }, { model: "large" }, "modelNotAllowed"],
  ["a model where none is allowed", { allowedModels: [] }, { model: "large" }, "modelNotAllowed"],
  ["tools where clients declare none", {}, { clientTools: [tool("a")] }, "clientToolsNotAllowed"],
  [
    "two tools of one name",
    { checkClientTools: async () => null },
    { clientTools: [tool("a"), tool("a")] },
    "clientToolRepeated",
  ],
  [
    "a tool that the agent refuses",
    { checkClientTools: async () => ({ status: "taken", tool: "a" }) },
    { clientTools: [tool("a")] },
    "clientToolRefused",
  ],
])("refuses %s, and starts nothing", async (_, rules, message, status) => {
  const { outcome, start } = await accept(rules, message)
  expect(outcome).toMatchObject({ status })
  expect(start).not.toHaveBeenCalled()
})

it("passes allowed models and tools on", async () => {
  const clientTools = [tool("a")]
  const { start } = await accept(
    { allowedModels: ["small"], checkClientTools: async () => null },
    { model: "small", clientTools },
  )
  expect(start).toHaveBeenCalledWith(expect.objectContaining({ model: "small", clientTools }))
})
