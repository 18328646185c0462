import { anthropicErrorReply, anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import { createChatEvents } from "../../../src/testing/provider/openai-chat-wire.ts"
import type { UpstreamReply, UpstreamRequest } from "../../../src/testing/provider/scripted-upstream.ts"
import { blocksOf } from "../../crash/support/model.ts"

/** Model providers that know only the current request, and that refuse a request over their window. */
export interface ForgetfulModel {
  readonly window: number
  /** Events that the tests forbid. */
  readonly violations: readonly string[]
  /** Tokens of each request for a response, in order. */
  readonly requests: readonly number[]
  /** Tokens of each request for a summary, in order. */
  readonly summaries: readonly number[]
  /** Plays the Anthropic API, whose model talks with the user. */
  talk(request: UpstreamRequest): UpstreamReply
  /** Plays the Chat Completions API, whose model writes summaries. */
  summarize(request: UpstreamRequest): UpstreamReply
}

const fact = /The code of (\w+) is (\w+)\./g
const filler = "Some words that nobody needs later. "

/** Prefix of signatures. Only the API that made a signature may receive it. */
const signaturePrefix = "c2lnbmF0dXJl"

export function forgetfulModel(window: number): ForgetfulModel {
  const violations: string[] = []
  const requests: number[] = []
  const summaries: number[] = []

  function tokensOf(body: unknown): number {
    return Math.ceil(JSON.stringify(body).length / 4)
  }

  /** Answers a question only from the request, so that a missing fact fails the test. */
  function reply(body: unknown): UpstreamReply {
    const blocks = blocksOf(body)
    const last = blocks.at(-1)?.block
    const said = String(last?.text ?? "")
    const number = requests.length
    const asked = /What is the code of (\w+)\?/.exec(said)?.[1]
    if (asked !== undefined) {
      const code = factsIn(JSON.stringify(body)).get(asked)
      return {
        steps: anthropicEvents([{ type: "text", text: code ?? `I do not know the code of ${asked}.` }]),
      }
    }
    const thinking = { type: "thinking", text: "Hm.", signature: `${signaturePrefix}${number}` } as const
    if (last?.type === "tool_result") {
      return { steps: anthropicEvents([thinking, { type: "text", text: `Noted. ${filler.repeat(4)}` }]) }
    }
    const call = { type: "toolCall", id: `toolu_${number}`, name: "look", input: { number } } as const
    return { steps: anthropicEvents([thinking, call]) }
  }

  return {
    window,
    violations,
    requests,
    summaries,
    talk({ body }) {
      const tokens = tokensOf(body)
      requests.push(tokens)
      if (tokens > window) {
        violations.push(`a request has ${tokens} tokens`)
        return anthropicErrorReply(400, "invalid_request_error", "prompt is too long")
      }
      return reply(body)
    },
    summarize({ body }) {
      const text = JSON.stringify(body)
      summaries.push(tokensOf(body))
      if (tokensOf(body) > window) violations.push(`a request for a summary has ${tokensOf(body)} tokens`)
      if (text.includes(signaturePrefix)) violations.push("a signature went to another vendor")
      const known = [...factsIn(text)].map(([name, code]) => `The code of ${name} is ${code}.`)
      return { steps: createChatEvents([{ type: "text", text: `Facts:\n${known.join("\n")}` }]) }
    },
  }
}

function factsIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(fact)].map(([, name = "", code = ""]) => [name, code]))
}

/** Returns the n-th message of a user. Every `factEvery` messages, it states a fact to remember. */
export function messageOf(turn: number, factEvery: number): string {
  const planted = turn % factEvery === 0 ? `The code of item${turn} is x${turn}y. ` : ""
  return `Turn ${turn}. ${planted}${filler.repeat(20)}`
}
