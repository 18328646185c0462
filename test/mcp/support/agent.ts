import { onTestFinished } from "vitest"
import type { JsonObject } from "../../../src/core/json/json.ts"
import type { Event } from "../../../src/core/log/entries.ts"
import { type AgentOptions, createAgent } from "../../../src/gateway/create-agent.ts"
import type { RunOptions } from "../../../src/gateway/gateway.ts"
import {
  type ScriptedProvider,
  type ScriptedTurn,
  scriptedProvider,
} from "../../../src/testing/provider/scripted-provider.ts"
import { type EventStream, eventStream } from "../../end-to-end/support/event-stream.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"

export interface TestAgent {
  readonly provider: ScriptedProvider
  /** Lets the model call a tool. Resolves to the outcome of the call. */
  call(name: string, input?: JsonObject, options?: CallOptions): Promise<CallEvent>
  /** Lets the model call a tool. Resolves to the event stream of a client. */
  watchCall(name: string, input?: JsonObject): Promise<EventStream>
  readonly events: readonly Event[]
  ready(): Promise<Readiness>
  /** Returns the names of the tools in the newest model request. */
  toolNames(): readonly string[]
  close(): Promise<void>
}

type CallOptions = Pick<RunOptions, "signal" | "onElicitation">

export type CallEvent = Extract<Event, { readonly type: "toolCallCompleted" | "toolCallInterrupted" }>

export interface Readiness {
  readonly status: string
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}

/**
 * Creates a gateway in this process, with a model that makes the requested calls. It is closed at the end of the
 * test.
 */
export function testAgent(options: AgentOptions): TestAgent {
  const turns: ScriptedTurn[] = []
  const provider = scriptedProvider(() => {
    const turn = turns.shift() ?? [{ type: "text", text: "done" }]
    return typeof turn === "function" ? [] : turn
  })
  const events: Event[] = []
  const calls = new Map<string, CallEvent>()
  const agent = createAgent("You call tools.", {
    provider,
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    onEvent({ event }, { sessionId }) {
      events.push(event)
      if (isCallEvent(event)) calls.set(sessionId, event)
    },
    ...options,
  })
  const close = () => agent.close({ graceMs: 0 })
  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    agent.fetch(
      new Request(`http://gateway/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    )
  onTestFinished(close)
  return {
    provider,
    events,
    async call(name, input = {}, options = {}) {
      turns.push([{ type: "toolCall", name, input }])
      const { sessionId } = await agent.run("Call it.", options)
      // Hooks are called after the event is stored.
      return eventually(`the end of the call of ${name}`, () => calls.get(sessionId) ?? null)
    },
    async watchCall(name, input = {}) {
      turns.push([{ type: "toolCall", name, input }])
      const session = await post("/chat/init", { api_key: "test" })
      const { session_token: token } = (await session.json()) as { readonly session_token: string }
      const chat = await post("/chat", { message: "Call it." }, { authorization: `Bearer ${token}` })
      return eventStream(chat)
    },
    async ready() {
      const response = await agent.fetch(new Request("http://gateway/api/ready"))
      return (await response.json()) as Readiness
    },
    toolNames: () => provider.requests.at(-1)?.tools.map(({ name }) => name) ?? [],
    close,
  }
}

function isCallEvent(event: Event): event is CallEvent {
  return event.type === "toolCallCompleted" || event.type === "toolCallInterrupted"
}

/** Returns the text of a call's result. */
export function textOfResult(event: CallEvent): string {
  if (event.type !== "toolCallCompleted") return `[${event.reason}]`
  const { result } = event
  if (result.type === "error") return `[${result.code}] ${result.message}`
  if (result.type === "json") return JSON.stringify(result.value)
  return result.content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("\n")
}
