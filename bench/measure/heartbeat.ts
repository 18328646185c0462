import { HeartbeatLoop } from "../../src/features/headless/heartbeat/heartbeat-loop.ts"
import { heartbeatMessage } from "../../src/features/headless/heartbeat/message.ts"
import { runSession } from "../../src/features/headless/run/run-session.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream, type UpstreamRequest } from "../../src/testing/provider/scripted-upstream.ts"

/** Input of the model in one idle tick. The model calls one tool and finds that nothing needs attention. */
export interface IdleTick {
  readonly requests: number
  /** Tokens, estimated from the prompts, tools and messages on the wire at four bytes a token. */
  readonly tokens: number
}

export interface HeartbeatResult {
  /** Number of ticks before the last one. */
  readonly ticks: number
  readonly first: IdleTick
  /** The last tick of the same loop, on the same store. */
  readonly last: IdleTick
  /** The last tick if all ticks are messages of one conversation instead. */
  readonly conversation: IdleTick
}

const bytesPerToken = 4
const checklist = [
  "- Is the disk of the build server more than 90 % full?",
  "- Does a backup of last night lack a file?",
  "- Is there mail from the bank?",
].join("\n")
const status = JSON.stringify(
  Array.from({ length: 40 }, (_, disk) => ({ disk: `/dev/sd${disk}`, used: "41 %" })),
)

export async function measureHeartbeat({ ticks }: { readonly ticks: number }): Promise<HeartbeatResult> {
  const upstream = await startScriptedUpstream(({ body }) => ({ steps: anthropicEvents(replyTo(body)) }))
  const env = { ANTHROPIC_API_KEY: "bench", ANTHROPIC_BASE_URL: upstream.url }
  /** Resolves to the input of the model in the last of these ticks. */
  const lastOf = async (tick: () => Promise<void>, count: number): Promise<IdleTick> => {
    for (let before = 1; before < count; before++) await tick()
    const from = upstream.requests.length
    await tick()
    return sizeOf(upstream.requests.slice(from))
  }
  const heartbeat = await openAgent(env)
  const conversation = await openAgent(env)
  try {
    const beat = beatOf(heartbeat)
    const first = await lastOf(beat, 1)
    const last = await lastOf(beat, ticks)
    const { sessionId } = await conversation.run("Hello.")
    const message = `${heartbeatMessage}\n\n${checklist}`
    const send = async () => void (await conversation.run(message, { sessionId }))
    return { ticks, first, last, conversation: await lastOf(send, ticks + 1) }
  } finally {
    await heartbeat.close()
    await conversation.close()
    await upstream.close()
  }
}

/** Returns a function that runs one tick of a real loop. The clock of the loop jumps from tick to tick. */
function beatOf(gateway: Gateway): () => Promise<void> {
  let now = Date.UTC(2026, 0, 1)
  const loop = new HeartbeatLoop({
    config: { maxTicks: 1 },
    run: ({ jobId }) => runSession(gateway, heartbeatMessage, { jobId, notes: [checklist] }),
    onAlert: ({ response }) => {
      throw new Error(`A tick of the bench was not idle: ${response}`)
    },
    clock: {
      now: () => now,
      elapsed: () => now,
      sleep: async (ms) => {
        now += ms
      },
    },
  })
  return async () => {
    await loop.start()
    if (loop.state.last_outcome !== "quiet")
      throw new Error(`A tick of the bench failed: ${loop.state.last_error}`)
  }
}

async function openAgent(env: Readonly<Record<string, string>>): Promise<Gateway> {
  const agent = createAgent("You watch over a server.", {
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    tools: [
      tool({
        name: "server_status",
        description: "Returns the state of the disks, the backups and the mail.",
        inputSchema: { type: "object" },
        readOnly: true,
        execute: () => status,
      }),
    ],
  })
  await agent.prepare({ env, mode: "run" })
  return agent
}

function replyTo(body: unknown) {
  const { messages } = body as { readonly messages: readonly { readonly content: unknown }[] }
  const isAfterCall = JSON.stringify(messages.at(-1)?.content).includes('"tool_result"')
  if (isAfterCall) return [{ type: "text", text: ["HEARTBEAT_OK"] } as const]
  return [{ type: "toolCall", name: "server_status", input: {} } as const]
}

function sizeOf(requests: readonly UpstreamRequest[]): IdleTick {
  const sizes = requests.map(({ body }) => {
    const { system, tools, messages } = body as Readonly<Record<string, unknown>>
    return Buffer.byteLength(JSON.stringify([system, tools, messages]))
  })
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  return { requests: requests.length, tokens: Math.ceil(bytes / bytesPerToken) }
}
