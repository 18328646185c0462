import { expect, test } from "vitest"
import type { Plugin } from "../../core/ports/plugin.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createGateway, type GatewayOptions } from "../create-gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const provider = scriptedProvider(() => [{ type: "text", text: "Hello." }])

test("events reach the plugins of the session's agent, which can read the log as well", async () => {
  const received: Record<string, readonly string[]> = { one: [], two: [] }
  const read: string[] = []
  const following = (name: string): Plugin => ({
    name: "following",
    setup: ({ readEvents }) => ({
      subscriber: {
        timeoutMs: 5_000,
        async onEvents({ sessionId, entries }) {
          received[name] = [...(received[name] ?? []), ...entries.map(({ event }) => event.type)]
          const [first] = await readEvents(sessionId, 0)
          if (first !== undefined) read.push(first.event.type)
        },
      },
    }),
  })
  const options: GatewayOptions = {
    store: "memory",
    logger,
    defaultAgent: "one",
    agents: {
      one: { systemPrompt: "One.", provider, plugins: [following("one")] },
      two: { systemPrompt: "Two.", provider, plugins: [following("two")] },
    },
  }
  const gateway = createGateway(options)
  await gateway.run("Hello", { agent: "two" })
  // Closing a gateway delivers all due events.
  await gateway.close({ graceMs: 0 })
  expect(received.one).toEqual([])
  expect(received.two).toEqual([
    "runStarted",
    "stepStarted",
    "messageCompleted",
    "stepCompleted",
    "runCompleted",
  ])
  expect(new Set(read)).toEqual(new Set(["runStarted"]))
})
