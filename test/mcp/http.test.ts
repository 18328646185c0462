import { describe, expect, it } from "vitest"
import { eventually } from "../end-to-end/support/eventually.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { everythingOverHttp } from "./support/http-server.ts"

describe.each([
  ["streamable HTTP", "streamableHttp", "/mcp", "http"],
  ["the older SSE", "sse", "/sse", "sse"],
] as const)("a server over %s", (_name, transport, path, type) => {
  async function everything() {
    const server = await everythingOverHttp(transport)
    const agent = testAgent({ mcpServers: { remote: { type, url: `${server.origin}${path}` } } })
    return { server, agent }
  }

  it("has its tools called", async () => {
    const { agent } = await everything()
    const event = await agent.call("echo", { message: "hello" })
    expect(event).toMatchObject({ type: "toolCallCompleted", server: "remote" })
    expect(textOfResult(event)).toBe("Echo: hello")
  })

  it("reconnects after a restart that forgot all sessions", async () => {
    const { agent, server } = await everything()
    await agent.call("echo", { message: "before" })
    await server.kill()
    await server.start()
    expect(textOfResult(await agent.call("echo", { message: "after" }))).toBe("Echo: after")
  })

  it("leaves a call interrupted when the server is lost during it", async () => {
    const { agent, server } = await everything()
    const stream = await agent.watchCall("trigger-long-running-operation", { duration: 60, steps: 600 })
    // After this event, the server has certainly received the call. A call that it has not received would end
    // differently.
    await stream.until(({ event }) => event.type === "tool_output_chunk")
    await server.kill()
    await stream.rest()
    const interrupted = await eventually("the end of the call", () => {
      return agent.events.find(({ type }) => type === "toolCallInterrupted") ?? null
    })
    expect(interrupted).toMatchObject({ reason: "lost", outcome: "unknown" })
  })
})
