import type { Message } from "../../../core/history/messages.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { countJsonBytes, estimateTokens, type KnownSizes, measureMessages } from "./estimate-tokens.ts"

/** Estimates the tokens of requests. Each message, and each list of tools, is measured once. */
export class TokenSizes {
  readonly messages: KnownSizes = new WeakMap()
  /** The tokens of system prompts, tools and output schemas. */
  readonly #fixed = new WeakMap<object, number>()

  /** Measures the messages that have not been measured yet, in slices. */
  async measure(messages: readonly Message[]): Promise<void> {
    await measureMessages(messages, this.messages)
  }

  /** Returns a high estimate of the tokens of a message that has been measured. */
  readonly measureMessage = (message: Message): number => {
    const size = this.messages.get(message)
    if (size === undefined) throw new Error("The message has not been measured.")
    return estimateTokens(size)
  }

  /** Resolves to the tokens of the system prompt, the tools and the output schema. */
  async measureFixed({ system, tools, outputSchema = {} }: Omit<ModelRequest, "messages">): Promise<number> {
    let tokens = 0
    for (const part of [system, tools, outputSchema]) tokens += await this.#measurePart(part)
    return tokens
  }

  async #measurePart(part: object): Promise<number> {
    const known = this.#fixed.get(part)
    if (known !== undefined) return known
    const tokens = estimateTokens({ bytes: await countJsonBytes(part), images: 0 })
    this.#fixed.set(part, tokens)
    return tokens
  }
}
