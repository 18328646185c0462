import { describe, expect, it, onTestFinished, vi } from "vitest"
import { z } from "zod"
import type { Observer } from "../core/ports/observer.ts"
import type { Plugin } from "../core/ports/plugin.ts"
import { observerNames } from "../kernel/agent/observing/join-observers.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import { createGateway } from "./create-gateway.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const hi = () => scriptedProvider([[{ type: "text", text: "Hi." }]])

/** Returns an observer that notes the agents of all facts by the name of the function. */
function listen() {
  const heard = new Map<string, unknown[]>()
  const note = (name: string) => (fact: object) => {
    heard.set(name, [...(heard.get(name) ?? []), "agent" in fact ? fact.agent : null])
  }
  const observer: Partial<Observer> = Object.fromEntries(observerNames.map((name) => [name, note(name)]))
  return { observer, heard }
}

function observing(observer: Partial<Observer>): Plugin {
  return { name: "observing", setup: () => ({ observers: [observer] }) }
}

describe("observers", () => {
  it("of the gateway receive the facts of all agents, and those of a plugin the facts of its agent", async () => {
    const all = listen()
    const one = listen()
    const gateway = createGateway({
      store: "memory",
      logger,
      observers: [all.observer],
      agents: {
        a: { systemPrompt: "A.", provider: hi(), plugins: [observing(one.observer)] },
        b: { systemPrompt: "B.", provider: hi() },
      },
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    await gateway.run("Hi", { agent: "a" })
    await gateway.run("Hi", { agent: "b" })
    await vi.waitFor(() => expect(all.heard.get("onLeaseEnded")).toHaveLength(2))
    for (const name of ["onRunOpened", "onRunEnded", "onAttemptSent", "onAttemptEnded", "onLeaseTaken"]) {
      expect(all.heard.get(name), name).toEqual(["a", "b"])
      expect(one.heard.get(name), name).toEqual(["a"])
    }
    expect(one.heard.get("onCommit")).toEqual(all.heard.get("onCommit"))
  })

  it("that throw are left out, and the run, the log and the other observers go on", async () => {
    const { observer, heard } = listen()
    const broken = { onRunOpened: vi.fn(() => Promise.reject(new Error("broken"))), onRunEnded: vi.fn() }
    const gateway = createAgent("Hi.", {
      store: "memory",
      logger,
      provider: hi(),
      observers: [broken, observer],
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    expect(await gateway.run("Hi")).toMatchObject({ outcome: "completed" })
    expect(heard.get("onRunEnded")).toEqual(["agent"])
    expect(broken.onRunOpened).toHaveBeenCalledOnce()
    expect(broken.onRunEnded).not.toHaveBeenCalled()
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ observer: "onRunOpened" }),
      expect.stringContaining("An observer failed."),
    )
  })

  it("receive each stream of a client once when it opens, and once when it closes", async () => {
    const { observer, heard } = listen()
    const gateway = createAgent("Hi.", { store: "memory", logger, provider: hi(), observers: [observer] })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const post = async (path: string, body: object, headers = {}) =>
      gateway.fetch(
        new Request(`http://localhost/api${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        }),
      )
    const session = z
      .object({ session_token: z.string() })
      .parse(await (await post("/chat/init", { api_key: "any" })).json())
    const authorization = `Bearer ${session.session_token}`
    await (await post("/chat", { message: "Hi" }, { authorization })).text()
    expect(heard.get("onStreamOpened")).toEqual(["agent"])
    await vi.waitFor(() => expect(heard.get("onStreamClosed")).toEqual(["agent"]))
  })

  it("without any function of an observer are refused", () => {
    expect(() => createAgent("Hi.", { observers: [{ onRunEnd() {} } as Partial<Observer>] })).toThrow(
      /observers.*expected an observer/,
    )
  })
})
