import { anthropicErrorReply, anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import { calls, says } from "../support/model.ts"
import { chat, done, type Scenario } from "./scenario.ts"

/** Budget of each run in US dollars. A million tokens of the scripted model cost one dollar. */
export const budgetUsd = 1_000

/** Scenarios about the model's responses and the ends of runs. */
export const responseScenarios = {
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
      const messages = [
        userMessage("Are you there?"),
        { role: "assistant", content: "Yes." },
        userMessage(content),
      ]
      await client.chat({ messages })
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
  /** The results of two calls are too long together, so a summary replaces the first one. */
  compact: compactHistory(),
  compactFails: compactHistory(),
  /** One result alone is too long. */
  shorten: {
    model: (call) =>
      call.turn > 0 ? done : calls(call, [{ name: "look_up", input: { characters: 60_000 } }]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** The run has enough events for several snapshots, one of them in the middle of the second run. */
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
  /** The gateway requests JSON in a session that plays this scenario. */
  structured: {
    model: ({ turn }) =>
      turn === 0 ? says(6) : { steps: anthropicEvents([{ type: "text", text: '{"word":1}' }]) },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /** The cost of the first call leaves no budget for a second one. */
  budget: {
    model: ({ tag, turn }) => {
      const call = { type: "toolCall", id: `toolu_${tag}_${turn}`, name: "look_up", input: {} } as const
      return { steps: anthropicEvents([call], { inputTokens: 2 * budgetUsd * 1_000_000 }), delayMs: 1 }
    },
    runs: 1,
    ending: "budget",
    play: chat,
  },
} satisfies Readonly<Record<string, Scenario>>

function compactHistory(): Scenario {
  return {
    model: (call) =>
      call.isCompacted ? done : calls(call, [{ name: "look_up", input: { characters: 16_000 } }]),
    runs: 1,
    ending: "completed",
    play: chat,
  }
}

function userMessage(content: string) {
  return { role: "user", content }
}
