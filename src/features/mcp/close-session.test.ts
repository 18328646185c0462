import { expect, it, vi } from "vitest"
import { closeSession } from "./close-session.ts"
import type { ServerHandle } from "./server.ts"

const { signal } = new AbortController()

function server(state: ServerHandle["state"], tools: readonly string[], result: object = { content: [] }) {
  const callTool = vi.fn(async () => result)
  const handle = {
    config: { name: "browser", injectsSession: true },
    state,
    tools: tools.map((name) => ({ name })),
    use: (work: (client: object) => Promise<unknown>) => work({ callTool }),
  }
  return { handle: handle as unknown as ServerHandle, callTool }
}

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
const close = (handle: ServerHandle) => closeSession([handle], "sess_1", { signal, logger })

it("rejects while a server has not listed its tools, so that the outbox tries again", async () => {
  const { handle } = server({ status: "failed", reason: "down" }, [])
  await expect(close(handle)).rejects.toMatchObject({ code: "mcp_unavailable" })
})

it("does nothing for a server without the tool", async () => {
  const { handle, callTool } = server({ status: "ready", tools: 1 }, ["look"])
  await close(handle)
  expect(callTool).not.toHaveBeenCalled()
})

it("logs an error of the tool, and does not repeat the call", async () => {
  const failed = { content: [], isError: true }
  const { handle, callTool } = server({ status: "ready", tools: 1 }, ["browser_close_session"], failed)
  await close(handle)
  expect(callTool).toHaveBeenCalledOnce()
  expect(logger.warn).toHaveBeenCalledOnce()
})
