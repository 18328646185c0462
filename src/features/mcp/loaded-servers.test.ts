import { expect, it, vi } from "vitest"
import type { EventEntry } from "../../core/log/entries.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import type { ServerConfig } from "./config/server-config.ts"
import { createLoadedServers } from "./loaded-servers.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
const configs = [
  { name: "files", onDemand: false },
  { name: "mail", onDemand: true },
] as unknown as readonly ServerConfig[]
const { signal } = new AbortController()
const session = { id: "sess_1", parent: null } as Session

const completed = (seq: number, server: string | null): EventEntry => ({
  ...{ kind: "event", v: 3, at: 0, runId: "run_1", seq },
  event: {
    ...{ type: "toolCallCompleted", toolCallId: "call_1", name: "use", durationMs: 0, server },
    executionLocation: "backend",
    result: { type: "json", value: null, loadServers: ["mail"] },
  },
})

it("trusts the results of local tools only", async () => {
  const log = [completed(1, "files")]
  const readEvents = vi.fn(async (_id: string, after: number) => log.filter(({ seq }) => seq > after))
  const find = createLoadedServers({ configs, readEvents, logger })
  const run = await find({ session, role: null, signal })
  const result = { type: "json", value: null, loadServers: ["mail"] } as const
  run.note(result, { toolName: "read", origin: { server: "files", tool: "read" } as never })
  expect([run.isOffered("files"), run.isOffered("mail")]).toEqual([true, false])
  run.note(result, { toolName: "use", origin: null })
  expect(run.isOffered("mail")).toBe(true)
  log.push(completed(2, null))
  expect((await find({ session, role: null, signal })).isOffered("mail")).toBe(true)
  // The second run reads only what was added.
  expect(readEvents.mock.calls.map(([, after]) => after)).toEqual([0, 1, 1, 2])
})

it("offers the servers that the role of a sub-agent names", async () => {
  const find = createLoadedServers({ configs, readEvents: async () => [], logger })
  const role = { name: "writer", mcpServers: ["mail"] }
  expect((await find({ session, role, signal })).isOffered("mail")).toBe(true)
})

it("reads nothing if no server is on demand", async () => {
  const readEvents = vi.fn()
  const find = createLoadedServers({ configs: configs.slice(0, 1), readEvents, logger })
  expect((await find({ session, role: null, signal })).isOffered("files")).toBe(true)
  expect(readEvents).not.toHaveBeenCalled()
})
