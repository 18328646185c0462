import { afterEach, expect, it } from "vitest"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let gateway: Gateway
afterEach(() => gateway.close({ graceMs: 0 }))

it("gateway.stream and onEvent receive what tools emit, and onEvent nothing that is transient", async () => {
  const track = tool({
    name: "track",
    description: "Track.",
    inputSchema: { type: "object" },
    execute: (_, { emit }) => {
      emit({ type: "data", name: "row", value: { id: 1 } })
      emit({ type: "data", name: "percent", value: 50, transient: true })
      return "tracked"
    },
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "track", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  const logged: string[] = []
  gateway = createAgent("Hi.", {
    store: "memory",
    logger,
    provider,
    tools: [track],
    onEvent: ({ event }) => {
      if (event.type === "dataEmitted") logged.push(event.name)
    },
  })
  const events: ChatEvent[] = []
  for await (const event of gateway.stream("Track.")) events.push(event)
  expect(events.filter(({ type }) => type === "data")).toMatchObject([
    { type: "data", run_id: expect.stringMatching(/^run_/), name: "row", value: { id: 1 } },
    { type: "data", name: "percent", value: 50, transient: true },
  ])
  await expect.poll(() => logged).toEqual(["row"])
})
