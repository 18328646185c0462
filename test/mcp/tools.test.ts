import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { createAgent, tool } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { fragileServer } from "./support/servers.ts"

async function fragile(options: Parameters<typeof fragileServer>[1] = {}) {
  return fragileServer({ JOURNAL: join(await temporaryFolder(), "journal") }, options)
}

it("distinguishes two servers' tools of the same name, and leaves the agent's own its name", async () => {
  const own = tool({
    name: "look",
    description: "Own.",
    inputSchema: { type: "object" },
    execute: () => "own",
  })
  const agent = testAgent({
    tools: [own],
    mcpServers: {
      one: await fragile({ enabledTools: ["pid", "look"] }),
      two: await fragile({
        disabledTools: ["die", "die_once", "look", "wait", "raise_child", "grow", "hurry", "whoami"],
      }),
    },
  })
  expect(await agent.call("one__pid")).toMatchObject({ server: "one" })
  expect(await agent.call("two__pid")).toMatchObject({ server: "two" })
  expect(textOfResult(await agent.call("look"))).toBe('"own"')
  expect(agent.toolNames().toSorted()).toEqual(["look", "one__look", "one__pid", "two__pid"])
})

it("shows all progress of a call, including progress that arrives together with its result", async () => {
  const agent = testAgent({ mcpServers: { fragile: await fragile() } })
  const frames = await (await agent.watchCall("hurry")).rest()
  const chunks = frames.flatMap(({ event }) => (event.type === "tool_output_chunk" ? [event.text] : []))
  expect(chunks.join("")).toBe("1/2\n2/2\n")
})

it("gives the model a server's instructions if configured", async () => {
  const agent = testAgent({ mcpServers: { fragile: await fragile({ instructions: true }) } })
  await agent.call("pid")
  const system = agent.provider.requests[0]?.system.map(({ text }) => text).join("\n")
  expect(system).toContain("You call tools.")
  expect(system).toContain("Handle with care.")
})

it("asks a person if the server's policy says so, and denies without one", async () => {
  const agent = testAgent({
    mcpServers: { fragile: await fragile({ approval: "destructive", trusted: true }) },
  })
  expect(textOfResult(await agent.call("pid"))).toContain("denied")
})

it("gives each user a separate server", async () => {
  const pids = new Map<string, string>()
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "done" }]
      : [{ type: "toolCall", name: "pid" }],
  )
  const agent = createAgent("x", {
    provider,
    store: "memory",
    validApiKeys: ["key"],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    mcpServers: { own: await fragile({ perUser: true }) },
  })
  onTestFinished(() => agent.close({ graceMs: 0 }))
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    agent.fetch(
      new Request(`http://gateway/api/chat${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    )
  for (const user of ["ada", "bob", "ada again"]) {
    const init = await post("/init", { api_key: "key", user_id: user.split(" ")[0] })
    const { session_token } = (await init.json()) as { session_token: string }
    const answer = await post("", { message: "Who?" }, { authorization: `Bearer ${session_token}` })
    pids.set(user, /"result":(\d+)/.exec(await answer.text())?.[1] ?? "none")
  }
  expect(pids.get("ada")).toMatch(/^\d+$/)
  expect(pids.get("bob")).toMatch(/^\d+$/)
  expect(pids.get("bob")).not.toBe(pids.get("ada"))
  expect(pids.get("ada again")).toBe(pids.get("ada"))
})

it("refuses servers for users that it cannot identify", async () => {
  const agent = createAgent("x", {
    provider: "demo",
    store: "memory",
    mcpServers: { own: await fragile({ perUser: true }) },
  })
  await expect(agent.prepare()).rejects.toThrow("so that users are known")
})
