import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import { eventually } from "../end-to-end/support/eventually.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { patienceMs } from "../patience.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { isAlive } from "./support/processes.ts"
import { fragileServer } from "./support/servers.ts"

async function fragile(options: Parameters<typeof fragileServer>[1] = {}, env: Record<string, string> = {}) {
  const folder = await temporaryFolder()
  const journal = join(folder, "journal")
  const agent = testAgent({
    mcpServers: {
      fragile: fragileServer({ JOURNAL: journal, CRUTCH: join(folder, "crutch"), ...env }, options),
    },
  })
  const lines = () => (existsSync(journal) ? readFileSync(journal, "utf8").trim().split("\n") : [])
  return { agent, lines, folder }
}

const starts = (lines: readonly string[]) => lines.filter((line) => line.startsWith("started"))

describe("a server that dies during a call", () => {
  it("ends the call as interrupted with an unknown outcome, and is back for the next one", async () => {
    const { agent, lines } = await fragile()
    expect(await agent.call("die")).toMatchObject({
      type: "toolCallInterrupted",
      reason: "lost",
      outcome: "unknown",
    })
    // Hooks receive an event after it is stored.
    const ended = { type: "runCompleted", disposition: "completed" }
    await vi.waitFor(() => expect(agent.events.at(-1)).toMatchObject(ended))
    expect(textOfResult(await agent.call("pid"))).toMatch(/^\d+$/)
    expect(lines().filter((line) => line === "called die")).toHaveLength(1)
  })

  it("is called again for a read-only tool of a trusted server", async () => {
    const { agent, lines } = await fragile({ trusted: true })
    expect(textOfResult(await agent.call("look"))).toBe("survived")
    expect(lines().filter((line) => line === "called look")).toHaveLength(2)
  })

  it("is not called again for a tool that only claims to be read-only", async () => {
    const { agent, lines } = await fragile()
    expect(await agent.call("look")).toMatchObject({ type: "toolCallInterrupted" })
    expect(lines().filter((line) => line === "called look")).toHaveLength(1)
  })

  it("is called again for a tool that the user declares idempotent", async () => {
    const { agent } = await fragile({ tools: { die_once: { idempotent: true } } })
    expect(textOfResult(await agent.call("die_once"))).toBe("survived")
  })
})

describe("a server that dies at another time", () => {
  it("is back after it died between calls", async () => {
    const { agent, lines } = await fragile()
    const pid = Number(textOfResult(await agent.call("pid")))
    process.kill(pid, "SIGKILL")
    // Before that, the gateway may not know that the first process is dead. A call would then end as interrupted.
    await eventually("the server's second life", () => starts(lines()).length === 2 || null)
    const next = Number(textOfResult(await agent.call("pid")))
    expect(starts(lines())).toEqual([`started ${pid}`, `started ${next}`])
  })

  it("is started again after it died while it listed its tools", async () => {
    const { agent, lines, folder } = await fragile()
    writeFileSync(join(folder, "crutch"), "")
    await agent.call("pid")
    // The run started with the tools of that moment: none, or those of the server's second process.
    await eventually("the server", async () => (await agent.ready()).checks["mcp:fragile"]?.ok || null)
    expect(textOfResult(await agent.call("pid"))).toMatch(/^\d+$/)
    expect(starts(lines())).toHaveLength(2)
  })
})

describe("the gateway", () => {
  it("starts even if a server does not, and reports that in its checks", async () => {
    const warnings: object[] = []
    const agent = testAgent({
      logger: { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} },
      mcpServers: { missing: { command: "no-such-program-anywhere" }, ...(await withFragile()) },
    })
    expect(textOfResult(await agent.call("pid"))).toMatch(/^\d+$/)
    const { status, checks } = await agent.ready()
    expect(status).toBe("ready")
    expect(checks["mcp:missing"]).toEqual({ ok: false, detail: "failed" })
    expect(checks["mcp:fragile"]).toEqual({ ok: true })
    expect(JSON.stringify(warnings)).toContain("not found")
  })

  it("sends a cancelled call's cancellation to the server", async () => {
    const { agent, lines } = await fragile()
    const stop = new AbortController()
    const call = agent.call("wait", {}, { signal: stop.signal })
    await eventually("the call", () => lines().includes("called wait") || null)
    stop.abort()
    expect(await call).toMatchObject({ type: "toolCallInterrupted", reason: "cancelled" })
    await eventually("the cancellation", () => lines().includes("cancelled") || null)
  })

  it("offers the model a tool that a server adds during a run", async () => {
    const { agent } = await fragile()
    await agent.call("grow")
    await eventually("the new tool", async () => {
      await agent.call("pid")
      return agent.toolNames().includes("extra") || null
    })
  })

  it("sends the session's id to configured servers, hidden from the model", async () => {
    const folder = await temporaryFolder()
    const agent = testAgent({
      mcpServers: { fragile: fragileServer({ JOURNAL: join(folder, "journal") }) },
      mcpSessionInjectServers: ["fragile"],
    })
    expect(textOfResult(await agent.call("whoami"))).toMatch(/^sess_/)
    const tool = agent.provider.requests[0]?.tools.find(({ name }) => name === "whoami")
    expect(tool?.inputSchema).toEqual({ type: "object", properties: {}, required: [] })
  })

  it("closes at once even if a run waits for a server that does not start", async () => {
    const silent = { command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] }
    const agent = testAgent({ mcpServers: { silent } })
    const run = agent.call("anything").catch((error: unknown) => error)
    await eventually("the server's start", async () =>
      (await agent.ready()).checks["mcp:silent"]?.detail === "starting" ? true : null,
    )
    const start = performance.now()
    await agent.close()
    expect(performance.now() - start).toBeLessThan(patienceMs)
    await run
  })

  it("leaves no process behind when it closes, including those that ignore signals", async () => {
    const { agent, lines } = await fragile({}, { STUBBORN: "1" })
    await agent.call("raise_child")
    const pids = lines().flatMap((line) => line.match(/\d+$/)?.map(Number) ?? [])
    expect(pids).toHaveLength(2)
    await agent.close()
    // The killed processes disappear once the system has removed them.
    await eventually("the end of all", () => !pids.some(isAlive) || null)
  })
})

async function withFragile() {
  const folder = await temporaryFolder()
  return { fragile: fragileServer({ JOURNAL: join(folder, "journal") }) }
}
