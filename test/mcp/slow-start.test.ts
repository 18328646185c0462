import { expect, it, onTestFinished } from "vitest"
import type { ChatEvent } from "../../src/core/wire/chat-event.ts"
import { createAgent } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"

/** A server that starts and never responds. */
const silentServer = { command: process.execPath, args: ["-e", "setInterval(() => {}, 60_000)"] }

function createWaitingAgent(startTimeoutMs: number) {
  const agent = createAgent("", {
    provider: scriptedProvider([[{ type: "text", text: "Done." }]]),
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    mcpServers: { slow: { ...silentServer, startTimeoutMs } },
  })
  onTestFinished(() => agent.close({ graceMs: 0 }))
  return agent
}

const statusOf = (seconds: number) => ({
  type: "status",
  run_id: expect.any(String),
  message: `Waiting for the MCP server slow to start, for at most ${seconds} seconds.`,
})

it("shows which server a run waits for, and continues without it after its time limit", async () => {
  const events: ChatEvent[] = []
  const agent = createWaitingAgent(4_000)
  const { response } = await agent.run("Hello", { onEvent: (event) => events.push(event) })
  expect(response).toBe("Done.")
  expect(events[0]).toEqual(statusOf(4))
  expect(events.slice(1).map(({ type }) => type)).toEqual(["text_delta", "turn_complete", "stream_complete"])
})

it("ends a run that waits for a server when the run is canceled", async () => {
  const events: ChatEvent[] = []
  const agent = createWaitingAgent(600_000)
  const canceling = new AbortController()
  const { outcome, reason } = await agent.run("Hello", {
    signal: canceling.signal,
    onEvent(event) {
      events.push(event)
      if (event.type === "status") canceling.abort()
    },
  })
  expect({ outcome, reason }).toEqual({ outcome: "interrupted", reason: "cancelled" })
  expect(events[0]).toEqual(statusOf(600))
})
