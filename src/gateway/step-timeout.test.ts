import { afterEach, expect, it, vi } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

it("a tool that never returns ends the run with step_timeout, and the session continues", async () => {
  const hang = tool({
    name: "hang",
    description: "Hangs.",
    inputSchema: { type: "object" },
    execute: () => new Promise(() => {}),
  })
  const gateway = createAgent("You help.", {
    ...{ store: "memory", logger, tools: [hang], stepTimeoutSeconds: 0.2 },
    provider: scriptedProvider(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes("Again.")
        ? [{ type: "text", text: "Here." }]
        : [{ type: "toolCall", name: "hang", input: {} }],
    ),
  })
  gateways.push(gateway)
  const seen: { readonly type: string }[] = []
  const { sessionId, error } = await gateway.run("Hi.", { onEvent: (event) => void seen.push(event) })
  expect(error).toMatchObject({ code: "step_timeout" })
  expect(seen.at(-1)).toMatchObject({ type: "error", code: "step_timeout" })
  const line = expect.stringContaining("stepTimeoutSeconds")
  expect(logger.warn).toHaveBeenCalledWith(expect.objectContaining({ sessionId, turn: 1 }), line)
  const { response } = await gateway.run("Again.", { sessionId })
  expect(response).toBe("Here.")
})
