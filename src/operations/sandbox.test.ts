import { expect, it } from "vitest"
import type { SessionSandbox } from "../core/ports/tools/sandbox-state.ts"
import { everyone } from "./operations.ts"
import type { OperationParts } from "./parts.ts"
import { sandboxOperations } from "./sandbox.ts"

function sessionOf(id: string, bytes: number, running = 0): SessionSandbox {
  const session = { id, tenant: "t", userId: "ada" }
  return { session, running, waiting: 0, usage: { bytes, entries: 1 }, isWarm: false }
}

/** Lists one page of these sessions. */
async function pageOf(sessions: readonly SessionSandbox[], after: string | undefined) {
  const reports = { sessions: () => sessions, state: () => Promise.reject(new Error("not needed")) }
  const parts: Partial<OperationParts> = { sandboxes: () => [{ agent: "ops", reports }] }
  const caller = { ...everyone, signal: new AbortController().signal }
  const page = await sandboxOperations["sandbox.sessions"].run(parts as OperationParts, { after }, caller)
  return { ids: page.items.map(({ session }) => session.id), next: page.next }
}

it("lists sessions with executions first, then by their disk usage, page by page", async () => {
  const idle = Array.from({ length: 60 }, (_, index) => sessionOf(`idle-${index}`, index * 10))
  const all = [...idle, sessionOf("b.2/ü", 5, 1), sessionOf("a", 5, 1)]
  const first = await pageOf(all, undefined)
  expect(first.ids.slice(0, 3)).toEqual(["a", "b.2/ü", "idle-59"])
  expect(first.ids).toHaveLength(50)
  const second = await pageOf(all, first.next ?? undefined)
  expect(second.next).toBeNull()
  expect(second.ids.at(-1)).toBe("idle-0")
  expect(new Set([...first.ids, ...second.ids]).size).toBe(62)
})

it("refuses a position that no page has given", async () => {
  await expect(pageOf([], "1.2.3")).rejects.toMatchObject({ code: "invalid_cursor" })
})
