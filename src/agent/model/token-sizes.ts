import type { Message } from "../../core/messages.ts"
import type { ModelRequest } from "../../core/ports/provider.ts"
import { estimateTokens } from "./estimate-tokens.ts"

/** Estimates the tokens of requests. Each message, and each list of tools, is measured once. */
export class TokenSizes {
  readonly #known = new WeakMap<object, number>()

  /** Returns a high estimate of the tokens of one message. */
  readonly ofMessage = (message: Message): number => this.#of(message, [message])

  /** Returns the tokens of the system prompt, the tools and the output schema. */
  ofFixed({ system, tools, outputSchema = {} }: Omit<ModelRequest, "messages">): number {
    return this.#of(system, []) + this.#of(tools, []) + this.#of(outputSchema, [])
  }

  #of(value: object, messages: readonly Message[]): number {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const tokens = estimateTokens(value, messages)
    this.#known.set(value, tokens)
    return tokens
  }
}
