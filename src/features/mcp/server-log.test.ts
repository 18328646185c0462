import { Client, InMemoryTransport, type LoggingLevel } from "@modelcontextprotocol/client"
import { expect, it, onTestFinished, vi } from "vitest"
import { createServerLog } from "./server-log.ts"

/** Returns a server log, and the lines that it has written. */
async function following() {
  vi.useFakeTimers({ toFake: ["performance"] })
  onTestFinished(() => void vi.useRealTimers())
  const lines: string[] = []
  const line = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push(`${level} ${String(fields.text ?? fields.leftOut ?? fields.mostPerMinute)} ${message}`)
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: "test", version: "1" })
  createServerLog("chatty", {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  }).follow(client)
  theirs.onmessage = (message) => {
    if (!("method" in message) || !("id" in message) || message.method !== "initialize") return
    const result = {
      protocolVersion: "2025-11-25",
      capabilities: { logging: {} },
      serverInfo: { name: "s", version: "1" },
    }
    void theirs.send({ jsonrpc: "2.0", id: message.id, result })
  }
  await client.connect(ours)
  onTestFinished(() => client.close())
  const say = async (level: LoggingLevel, data: unknown) => {
    await theirs.send({ jsonrpc: "2.0", method: "notifications/message", params: { level, data } })
  }
  return { lines, say }
}

it("logs a server's messages at their level, truncated if they are long", async () => {
  const { lines, say } = await following()
  await say("notice", "hello")
  await say("emergency", { on: "fire" })
  await say("debug", "x".repeat(5_000))
  await vi.waitFor(() => expect(lines).toHaveLength(3))
  expect(lines).toEqual([
    "info hello An MCP server logged a message.",
    'error {"on":"fire"} An MCP server logged a message.',
    `debug ${"x".repeat(2_000)}… An MCP server logged a message.`,
  ])
})

it("leaves out messages beyond 600 a minute, and reports how many", async () => {
  const { lines, say } = await following()
  for (let count = 0; count < 1_000; count++) await say("info", "noise")
  await vi.waitFor(() => expect(lines).toHaveLength(601))
  expect(lines.at(-1)).toBe(
    "warn 600 An MCP server logs too much. The rest is left out of the log for a minute.",
  )
  vi.advanceTimersByTime(60_000)
  await say("info", "quiet again")
  await vi.waitFor(() => expect(lines).toHaveLength(603))
  expect(lines.slice(-2)).toEqual([
    "warn 400 Messages of an MCP server were left out of the log.",
    "info quiet again An MCP server logged a message.",
  ])
})
