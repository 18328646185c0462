import type { TerminalEvent } from "../../../src/core/log/entries.ts"
import { anthropicErrorReply, anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import { calls, type ModelCall, prompt, type Script, says } from "./model.ts"
import type { SessionClient } from "./session-client.ts"

/** The end of a run. `cancelled`: unless it was over when the cancel came. */
export type Ending = "completed" | "cancelled" | "maxTurns" | "budget" | "failed"

export interface Scenario {
  readonly model: Script
  /** Number of its runs. */
  readonly runs: number
  readonly ending: Ending
  /** Plays the client. Resolves when there is nothing more for it to do. */
  play(client: SessionClient, prompt: string): Promise<void>
}

export type ScenarioName = keyof typeof all

const done = says(6)

const collectAll = { name: "get_background_result", input: { task_id: "*", wait: true, timeout: 120 } }

/** Budget of each run. A million of the scripted model's tokens is a dollar. */
export const budgetUsd = 1_000

/** Tokens of the scripted model's window. */
export const contextWindow = 20_000

/** Everything that a client can go through, in a session of its own each. */
const all = {
  text: {
    model: () => says(24, 3),
    runs: 2,
    ending: "completed",
    async play(client, message) {
      await (await client.chat({ message })).ended
      await client.chat({ message })
    },
  },
  replaced: {
    model: () => says(6),
    runs: 1,
    ending: "completed",
    async play(client, content) {
      const messages = [user("Are you there?"), { role: "assistant", content: "Yes." }, user(content)]
      await client.chat({ messages })
    },
  },
  parallel: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            { name: "charge" },
            { name: "reserve" },
            { name: "look_up", input: { warn: true } },
            { name: "charge", input: { ms: 60 } },
          ]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  serial: {
    model: (call) => {
      const name = ["charge", "reserve", "charge"][call.turn]
      return name === undefined ? done : calls(call, [{ name, input: { ms: 30 } }])
    },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  sleep: {
    model: (call) => (call.turn > 0 ? done : calls(call, [{ name: "nap", input: { ms: 200 } }])),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  cancelText: {
    // It is over long after any client, however slow, has cancelled it; and so are the calls of `cancelTool`.
    model: () => says(120, 100),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.seeAll("text_delta", 2)
      await client.cancel(runId)
    },
  },
  cancelLate: {
    model: () => says(8, 3),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("text_delta")
      await client.cancel(runId)
    },
  },
  cancelTool: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            { name: "charge", input: { ms: 15_000 } },
            { name: "reserve", input: { ms: 15_000 } },
          ]),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("tool_call_start")
      await client.cancel(runId)
    },
  },
  cancelQuestion: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1), { name: "charge" }])),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("tool_approval_request")
      await client.cancel(runId)
    },
  },
  approve: approving(0),
  edit: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(2)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: true,
        tool_input: { amount: 20 },
      })
    },
  },
  deny: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(3)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: false,
        reason: "Not today.",
      })
    },
  },
  grant: {
    model: (call) => (call.turn > 1 ? done : calls(call, [pay(4)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: true,
        allow_tool_type: true,
      })
    },
  },
  three: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1), pay(2), { name: "charge" }, pay(3)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.seeAll("tool_approval_request", 3)
      for (const each of asked.toReversed())
        await client.decide(each, { approved: each.tool_input.amount !== 2 })
    },
  },
  /** Messages wait behind an open approval. */
  queue: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 3,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const first = await client.see("tool_approval_request")
      await client.chat({ message, when_busy: "queue" })
      const last = await client.chat({ message, when_busy: "queue" })
      await client.decide(first, { approved: true })
      for (const count of [2, 3]) {
        const asked = await client.seeAll("tool_approval_request", count)
        await client.decide(asked[count - 1] ?? first, { approved: true })
      }
      await last.ended
    },
  },
  /** A message joins a run that waits for an approval. */
  steer: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.see("tool_approval_request")
      await client.steer("And be quick.")
      await client.steer("Please.")
      await client.decide(asked, { approved: true })
    },
  },
  interrupt: {
    model: ({ earlierCalls }) => (earlierCalls === 0 ? says(120, 100) : done),
    runs: 2,
    ending: "cancelled",
    async play(client, message) {
      await client.chat({ message })
      await client.see("text_delta")
      await client.chat({ message, when_busy: "interrupt" })
    },
  },
  /** One of the messages that wait is taken back. */
  withdraw: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 3,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const first = await client.see("tool_approval_request")
      const { runId } = await client.chat({ message, when_busy: "queue" })
      await client.chat({ message, when_busy: "queue" })
      await client.cancel(runId)
      await client.decide(first, { approved: true })
      const [, second = first] = await client.seeAll("tool_approval_request", 2)
      await client.decide(second, { approved: true })
    },
  },
  /** Three sub-agents work at once, and one of them has a sub-agent of its own. */
  children: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            delegated(call, "childWork", "a"),
            delegated(call, "childLead", "b"),
            delegated(call, "childWork", "c"),
          ]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  cancelChildren: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [delegated(call, "childTalk", "a"), delegated(call, "childLeadTalk", "b")]),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.waitsForChildren(2)
      await client.cancel(runId)
    },
  },
  /** Two sub-agents work in the background, and the session collects what they found. */
  tasks: {
    model: (call) => {
      if (call.turn === 0) return calls(call, [inBackground(call, "a"), inBackground(call, "b")])
      return call.turn === 1 ? calls(call, [collectAll]) : done
    },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** Two sub-agents, one after the other, of which only the first one's call is asked about. */
  treeGrant: {
    model: (call) => {
      const name = ["a", "b"][call.turn]
      return name === undefined ? done : calls(call, [delegated(call, "childPay", name)])
    },
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const granted = { approved: true, allow_tool_type: true, scope: "tree" }
      await client.decide(await client.pendingApproval(), granted)
    },
  },
  /** Its run is parked before it is answered, however slow the gateway is. */
  patient: approving(10_000),
  client: {
    model: (call) =>
      call.turn > 0 ? done : calls(call, [{ name: "ask_client", input: { question: "How warm is it?" } }]),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.submit(await client.seeCallOfMine(), { degrees: 21 })
    },
  },
  elicit: {
    model: (call) => (call.turn > 0 ? done : calls(call, [register(1), register(2)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const [first, second] = await client.seeAll("elicitation_request", 2)
      if (second !== undefined) await client.respond(second, { action: "decline" })
      if (first !== undefined) await client.respond(first, { action: "accept", content: { name: "Ada" } })
    },
  },
  retries: {
    model: ({ earlierCalls }) =>
      earlierCalls === 0
        ? anthropicErrorReply(529, "overloaded_error", "Overloaded", { "retry-after-ms": "1" })
        : says(6),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** The results of two calls are too long together, so that a summary takes the place of the first one. */
  compact: compacting(),
  compactFails: compacting(),
  /** One result is too long by itself. */
  shorten: {
    model: (call) =>
      call.turn > 0 ? done : calls(call, [{ name: "look_up", input: { characters: 60_000 } }]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** It has so many events that snapshots are written, also within its second run. */
  long: {
    model: (call) =>
      call.turn > 2
        ? done
        : calls(
            call,
            Array.from({ length: 8 }, () => ({ name: "look_up", input: {} })),
          ),
    runs: 2,
    ending: "completed",
    async play(client, message) {
      await (await client.chat({ message })).ended
      await client.chat({ message })
    },
  },
  fails: {
    model: () => anthropicErrorReply(400, "invalid_request_error", "That is not possible."),
    runs: 1,
    ending: "failed",
    play: chat,
  },
  maxTurns: {
    model: (call) => calls(call, [{ name: "look_up" }]),
    runs: 1,
    ending: "maxTurns",
    play: chat,
  },
  /** The gateway asks for JSON in a session that plays this. */
  structured: {
    model: ({ turn }) =>
      turn === 0 ? says(6) : { steps: anthropicEvents([{ type: "text", text: '{"word":1}' }]) },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** Scenario in which the cost of the first call leaves nothing for a second one. */
  budget: {
    model: ({ tag, turn }) => {
      const call = { type: "toolCall", id: `toolu_${tag}_${turn}`, name: "look_up", input: {} } as const
      return { steps: anthropicEvents([call], { inputTokens: 2 * budgetUsd * 1_000_000 }), delayMs: 1 }
    },
    runs: 1,
    ending: "budget",
    play: chat,
  },
} satisfies Record<string, Scenario>

/** Scripts of the scenarios' sub-agents. */
const ofSubAgents: Readonly<Record<string, Script>> = {
  childWork: (call) => (call.turn > 0 ? says(10) : calls(call, [{ name: "reserve", input: { ms: 30 } }])),
  childLead: (call) => (call.turn > 0 ? says(3) : calls(call, [delegated(call, "childWork", "x")])),
  childPay: (call) => (call.turn > 0 ? says(3) : calls(call, [pay(7)])),
  childTalk: () => says(120, 100),
  childLeadTalk: (call) => (call.turn > 0 ? says(3) : calls(call, [delegated(call, "childTalk", "x")])),
}

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = all
export const scenarioNames = Object.keys(all) as readonly ScenarioName[]

export function scripts(): Readonly<Record<string, Script>> {
  const ofSessions = Object.fromEntries(scenarioNames.map((name) => [name, scenarios[name].model]))
  return { ...ofSessions, ...ofSubAgents }
}

/** Plays it to the end of its last run, before the eyes of two viewers. */
export async function play(name: ScenarioName, client: SessionClient, leave: () => boolean): Promise<void> {
  await client.open()
  client.watch({ ends: scenarios[name].runs, leave })
  await scenarios[name].play(client, prompt(name, client.tag))
  await client.over()
}

export function isEnding(ending: Ending, event: TerminalEvent, cancelled: boolean): boolean {
  if (event.type === "runFailed") return ending === "failed"
  if (cancelled || (ending === "cancelled" && event.reason === "cancelled"))
    return event.reason === "cancelled"
  if (ending === "maxTurns") return event.reason === "max_turns"
  if (ending === "budget") return event.reason === "budget"
  return event.disposition === "completed" && (ending === "completed" || ending === "cancelled")
}

/** Waits so many milliseconds before it decides, unless its gateway dies. */
function approving(restMs: number): Scenario {
  return {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.see("tool_approval_request")
      await client.rest(restMs)
      await client.decide(asked, { approved: true })
    },
  }
}

function compacting(): Scenario {
  return {
    model: (call) =>
      call.isCompacted ? done : calls(call, [{ name: "look_up", input: { characters: 16_000 } }]),
    runs: 1,
    ending: "completed",
    play: chat,
  }
}

async function chat(client: SessionClient, message: string): Promise<void> {
  await client.chat({ message })
}

/** Has a sub-agent play the script. */
function delegated({ tag }: ModelCall, script: string, name: string) {
  return { name: "delegate", input: { script, tag: `${tag}-${name}` } }
}

/** Has a sub-agent play a script in the background. */
function inBackground({ tag }: ModelCall, name: string) {
  return { name: "run_agent", input: { task: prompt("childWork", `${tag}-${name}`), background: true } }
}

function pay(amount: number) {
  return { name: "pay", input: { amount } }
}

function register(room: number) {
  return { name: "register", input: { room } }
}

function user(content: string) {
  return { role: "user", content }
}
