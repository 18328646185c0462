import type { Message } from "../../core/history/messages.ts"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { estimateTokens, type KnownBytes } from "./estimate-tokens.ts"

/** Estimates the tokens of requests. Each message, and each list of tools, is measured once. */
export class TokenSizes {
  readonly #known = new WeakMap<object, number>()
  /** Bytes of the messages as `estimateInput` and `countPlainBytes` count them. */
  readonly inputBytes: KnownBytes = new WeakMap()
  readonly plainBytes: KnownBytes = new WeakMap()

  /** Measures the messages that have not been measured yet. Large ones take several turns of the event loop. */
  async measure(messages: readonly Message[]): Promise<void> {
    for (const message of messages) if (!this.#known.has(message)) await this.#measure(message, [message])
  }

  /** Returns a high estimate of the tokens of a message that has been measured. */
  readonly measureMessage = (message: Message): number => {
    const tokens = this.#known.get(message)
    if (tokens === undefined) throw new Error("The message has not been measured.")
    return tokens
  }

  /** Resolves to the tokens of the system prompt, the tools and the output schema. */
  async measureFixed({ system, tools, outputSchema = {} }: Omit<ModelRequest, "messages">): Promise<number> {
    let tokens = 0
    for (const part of [system, tools, outputSchema]) tokens += await this.#measure(part, [])
    return tokens
  }

  async #measure(value: object, messages: readonly Message[]): Promise<number> {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const tokens = await estimateTokens(value, messages)
    this.#known.set(value, tokens)
    return tokens
  }
}
