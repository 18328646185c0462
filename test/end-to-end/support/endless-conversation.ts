import { anthropicProvider } from "../../../src/adapters/providers/anthropic/anthropic-provider.ts"
import { openAiChatProvider } from "../../../src/adapters/providers/openai/openai-chat-provider.ts"
import { openMemoryStore } from "../../../src/adapters/stores/sqlite/open.ts"
import { systemClock } from "../../../src/core/time/clock.ts"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { silentLogger } from "../../../src/kernel/sessions/fixtures/test-gateway.ts"
import { tool } from "../../../src/kernel/tools/local-tool.ts"
import { startScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import { assemble } from "./assemble.ts"
import { type ForgetfulModel, forgetfulModel } from "./forgetful-model.ts"
import { startSession } from "./session-client.ts"

export interface ContextFixture {
  readonly model: ForgetfulModel
  /** Characters of one result of the tool that each turn calls. */
  readonly resultCharacters: number
  /** Number of compactions that the client was told about. */
  readonly compactions: number
  /** Sends a message and resolves to the response. */
  say(message: string): Promise<string>
  history(): Promise<unknown>
  /** Resolves to the number of events in which the client's history replaced the log's. */
  replacements(): Promise<number>
  close(): Promise<void>
}

const resultCharacters = 2_000

/** Opens a session with an agent. Its model has a small window and knows only its requests. */
export async function openConversation({
  window,
  sent,
}: {
  readonly window: number
  /** Number of recent messages that the client sends each time. Null to send only the new message. */
  readonly sent: number | null
}): Promise<ContextFixture> {
  const model = forgetfulModel(window)
  const talking = await startScriptedUpstream((request) => model.talk(request))
  const summarizing = await startScriptedUpstream((request) => model.summarize(request))
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const gateway = createAgent("You help.", {
    store,
    logger: silentLogger,
    rateLimits: false,
    provider: anthropicProvider({ apiKey: "test-key", baseURL: talking.url }),
    model: "claude-scripted",
    maxTokens: 1_000,
    contextWindow: window,
    compactionModel: {
      provider: openAiChatProvider({ apiKey: "test-key", baseURL: `${summarizing.url}/v1` }),
      model: "gpt-scripted",
    },
    tools: [
      tool({
        name: "look",
        description: "Looks.",
        inputSchema: { type: "object" },
        readOnly: true,
        execute: () => "r".repeat(resultCharacters),
      }),
    ],
  })
  const { url } = await gateway.listen({ port: 0 })
  const session = await startSession(url)
  const messages: { role: "user" | "assistant"; content: string }[] = []
  let compactions = 0
  return {
    model,
    resultCharacters,
    get compactions() {
      return compactions
    },
    async say(message) {
      messages.push({ role: "user", content: message })
      const frames = await (
        await session.chat(sent === null ? { message } : { messages: messages.slice(-sent) })
      ).rest()
      compactions += frames.filter(({ event }) => event?.type === "compaction").length
      const { text, terminal } = assemble(frames)
      if (terminal?.type !== "stream_complete") throw new Error(JSON.stringify(terminal))
      messages.push({ role: "assistant", content: text })
      return text
    },
    history: () => session.history(),
    async replacements() {
      let count = 0
      for (let afterSeq = 0; ; ) {
        const entries = await store.log.read(session.id, { afterSeq, limit: 500, deltas: false })
        const last = entries.at(-1)
        if (last === undefined) return count
        count += entries.filter(
          (entry) => entry.kind === "event" && entry.event.type === "historyReplaced",
        ).length
        afterSeq = last.seq
      }
    },
    async close() {
      await gateway.close({ graceMs: 0 })
      await talking.close()
      await summarizing.close()
    },
  }
}
