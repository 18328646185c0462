import { describe, expect, it, vi } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import type { Gate, Verdict } from "../../../core/ports/tools/gate.ts"
import type { Tool, ToolContext } from "../../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

/** The current tools of the agent, which a test changes as an MCP server would. */
interface World {
  tools: readonly Tool[]
  readonly called: string[]
}

/**
 * Returns a tool `deploy` that records its calls. It belongs to the given MCP server, or is local if there is none.
 */
function deploy(world: World, server: string | null, more: Partial<Tool> = {}): Tool {
  const execute = () => {
    world.called.push(server ?? "local")
    return { type: "json", value: 1 } as const
  }
  return createAnyTool("deploy", execute, {
    ...(server !== null && { origin: createOrigin(server) }),
    ...more,
  })
}

const ask: Verdict = { action: "ask", qualifier: null, code: null, reason: null, decisions: [] }
const execute: Verdict = { ...ask, action: "execute" }
const asking: Gate = { decide: async ({ approved }) => (approved ? execute : ask) }
const open: Gate = { decide: async () => execute }

/** Returns a run whose model calls `deploy` once and then responds. */
function runIn(world: World, gate: Gate, beforeCalls: () => void = () => {}): MemoryRun {
  const provider = scriptedProvider(({ messages }) => {
    if (messages.at(-1)?.role === "tool") return [{ type: "text", text: "Done" }]
    beforeCalls()
    return [{ type: "toolCall", name: "deploy", input: {} }]
  })
  return inWorld(world, createMemoryRun(provider, { gate }))
}

function inWorld(world: World, run: MemoryRun): MemoryRun {
  Object.defineProperty(run.context.runtime, "listTools", { value: () => world.tools })
  return run
}

function worldWith(make: (world: World) => Tool): World {
  const world: World = { tools: [], called: [] }
  world.tools = [make(world)]
  return world
}

const answer = { approved: true, editedInput: null, reason: null, grant: false }
const allow = (run: MemoryRun) => run.answer({ kind: "approval", toolCallId: "call_3", answer })
const approvalsOf = (run: MemoryRun) => of(run, "waitOpened").filter((event) => event.kind === "approval")
const of = <Type extends Event["type"]>(run: MemoryRun, type: Type) =>
  run.events.filter((event): event is Extract<Event, { type: Type }> => event.type === type)

describe("a call that a person allowed", () => {
  const changes: readonly [string, string | null, (world: World) => Tool | null, string][] = [
    ["belongs to another server", "a", (world) => deploy(world, "b"), '"b"'],
    [
      "belongs to a server that is reached in another way",
      "a",
      (world) => deploy(world, "a", { origin: createOrigin("a", { identity: "moved" }) }),
      '"a"',
    ],
    [
      "was changed by its server",
      "a",
      (world) => deploy(world, "a", { origin: createOrigin("a", { digest: "changed" }) }),
      '"a"',
    ],
    [
      "is another one of its server",
      "a",
      (world) => deploy(world, "a", { origin: createOrigin("a", { tool: "destroy" }) }),
      '"a"',
    ],
    ["is local", "a", (world) => deploy(world, null), "local tool"],
    ["belongs to a server and was local", null, (world) => deploy(world, "b"), '"b"'],
  ]

  it.each(changes)("needs another approval when the tool %s", async (_what, server, change, told) => {
    const world = worldWith((each) => deploy(each, server))
    const run = runIn(world, asking)
    await runLoop(run.context)
    const tool = change(world)
    world.tools = tool === null ? [] : [tool]
    allow(run)
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(world.called).toEqual([])
    const [, again] = approvalsOf(run)
    expect(again?.payload.reason).toContain(told)
    expect(run.waits[1]?.origin).toEqual(again?.origin ?? null)
    expect(run.waits[1]?.nonce).not.toBe(run.waits[0]?.nonce)
    allow(run)
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(world.called).toHaveLength(1)
    expect(approvalsOf(run)).toHaveLength(2)
  })

  it("runs when the tool is listed again unchanged", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const run = runIn(world, asking)
    await runLoop(run.context)
    world.tools = [deploy(world, "a", { description: "In other words." })]
    allow(run)
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(world.called).toEqual(["a"])
  })

  it("needs another approval when its type has changed, for example because code would run outside its sandbox", async () => {
    let host = "docker"
    const world = worldWith((each) => deploy(each, null, { qualifier: () => host }))
    const gate: Gate = {
      decide: async ({ tool, validated }) => ({ ...ask, qualifier: tool.qualifier?.(validated) ?? null }),
    }
    const run = runIn(world, gate)
    await runLoop(run.context)
    host = "subprocess"
    allow(run)
    await runLoop(run.context)
    expect(world.called).toEqual([])
    expect(approvalsOf(run).map(({ payload }) => payload.qualifier)).toEqual(["docker", "subprocess"])
    allow(run)
    await runLoop(run.context)
    expect(world.called).toEqual(["local"])
  })

  it("is denied by the policy for the tool that it would now run", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const deny: Verdict = { ...ask, action: "deny", reason: "Not there." }
    const run = runIn(world, { decide: async ({ tool }) => (tool.description === "other" ? deny : ask) })
    await runLoop(run.context)
    world.tools = [deploy(world, "b", { description: "other" })]
    allow(run)
    await runLoop(run.context)
    expect(world.called).toEqual([])
    expect(of(run, "toolCallCompleted")).toMatchObject([{ result: { type: "error", message: "Not there." } }])
  })

  it("returns an error to the model when the tool changes after every approval", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const run = runIn(world, asking)
    let round = 0
    while ((await runLoop(run.context)) !== null) {
      world.tools = [deploy(world, "a", { origin: createOrigin("a", { digest: `${round}` }) })]
      round += 1
      allow(run)
    }
    expect(world.called).toEqual([])
    expect(approvalsOf(run)).toHaveLength(10)
    expect(of(run, "toolCallCompleted")).toMatchObject([{ result: { code: "tool_changed" } }])
  })

  it("needs another approval when an older version stored the approval, which names no server", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const run = runIn(world, asking)
    await runLoop(run.context)
    const old = withoutOrigins(run)
    allow(old)
    await expect(runLoop(old.context)).resolves.toBe(60_000)
    expect(world.called).toEqual([])
    expect(approvalsOf(old)).toHaveLength(2)
  })

  it("runs a local tool even if an older version stored the approval", async () => {
    const world = worldWith((each) => deploy(each, null))
    const run = runIn(world, asking)
    await runLoop(run.context)
    const old = withoutOrigins(run)
    allow(old)
    await runLoop(old.context)
    expect(world.called).toEqual(["local"])
  })
})

describe("a call that needs no approval", () => {
  it("does not run a tool that was not offered to the model", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const run = runIn(world, open, () => {
      world.tools = [deploy(world, "b")]
    })
    await runLoop(run.context)
    expect(world.called).toEqual([])
    expect(of(run, "toolCallRequested")).toMatchObject([{ origin: { server: "a" } }])
    expect(of(run, "toolCallCompleted")).toMatchObject([{ result: { type: "error", code: "tool_changed" } }])
  })

  it("does not run a tool that takes over its name while a policy decides", async () => {
    const world = worldWith((each) => deploy(each, "a"))
    const decide = vi.fn(async () => {
      world.tools = [deploy(world, "b")]
      return execute
    })
    const run = runIn(world, { decide })
    await runLoop(run.context)
    expect(world.called).toEqual([])
    expect(of(run, "toolCallStarted")).toEqual([])
    expect(of(run, "toolCallCompleted")).toMatchObject([{ result: { code: "tool_changed" } }])
  })

  it("is not repeated on another server after a crash", async () => {
    const world = worldWith((each) => deploy(each, "a", { readOnly: true }))
    const first = runIn(world, open)
    world.tools = [
      createAnyTool("deploy", () => Promise.reject(first.stop()), {
        origin: createOrigin("a"),
        readOnly: true,
      }),
    ]
    await expect(runLoop(first.context)).rejects.toBeDefined()
    const same = inWorld(world, first.restart())
    world.tools = [deploy(world, "b", { readOnly: true })]
    await runLoop(same.context)
    expect(world.called).toEqual([])
    expect(of(same, "toolCallInterrupted")).toMatchObject([{ reason: "crashed", outcome: "unknown" }])
  })

  it("does not pass the user's answer to another server", async () => {
    const answered: ToolContext["answered"][] = []
    const question = { mode: "form", message: "Which key?", schema: { type: "object" } } as const
    const inquisitive = (server: string): Tool =>
      createAnyTool(
        "deploy",
        (_input, context) => {
          answered.push(context.answered)
          return { type: "wait", kind: "elicitation", question, continuation: { server } }
        },
        { origin: createOrigin(server), readOnly: true },
      )
    const world: World = { tools: [inquisitive("a")], called: [] }
    const run = runIn(world, open)
    await runLoop(run.context)
    world.tools = [inquisitive("b")]
    run.answer({
      kind: "elicitation",
      toolCallId: "call_3",
      answer: { action: "accept", content: { key: "secret" } },
    })
    await runLoop(run.context)
    expect(answered).toEqual([null])
    expect(of(run, "toolCallInterrupted")).toMatchObject([{ reason: "lost", outcome: "unknown" }])
  })
})

/** Returns the run as it is in a log of an older version. */
function withoutOrigins(run: MemoryRun): MemoryRun {
  const tools = run.context.runtime.listTools()
  const old = createMemoryRun(run.context.runtime.models[0].provider, { gate: asking, tools })
  const [, ...events] = run.events
  for (const event of events) {
    const { origin: _origin, ...rest } = { origin: undefined, ...event }
    old.recall(rest as Event)
  }
  return old
}
