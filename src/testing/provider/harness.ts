import type { JsonObject } from "../../core/json/json.ts"
import type { Provider } from "../../core/ports/model/provider.ts"

export interface ProviderContractCase {
  readonly name: string
  /** The case is only for a service with this feature. */
  readonly needs?: ProviderFeature
  /** The case holds for any response: also for a provider without a service, for which `answer` has no effect. */
  readonly unscripted?: true
  run(harness: ProviderHarness): Promise<void>
}

/**
 * `thinking`: it sends thinking, and receives it back. `earlyUsage`: it counts the input before the first token.
 * `outputSchema`: it accepts the schema of a response. `contentFilter`: it may withhold a response. `toolInput`: it
 * sends the input of calls in pieces.
 */
export type ProviderFeature = "thinking" | "earlyUsage" | "outputSchema" | "contentFilter" | "toolInput"

/** A provider in front of a scripted upstream with that upstream's own wire format. Each case has its own. */
export interface ProviderHarness {
  readonly provider: Provider
  /** Texts that must not reach clients or the log: keys. */
  readonly secrets: readonly string[]
  /** Scripts the upstream's response to the next call. Several calls script the following ones. */
  answer(answer: ContractAnswer): void
  /** Returns the upstream's last request, parsed from its wire format. */
  received(): ContractRequest
  /** Returns this header of the upstream's last request. */
  receivedHeader(name: string): string | null
  /** Resolves when the upstream's last exchange has ended: to true if the client canceled it. */
  disconnected(): Promise<boolean>
  close(): Promise<void>
}

export type ContractAnswer =
  | { readonly type: "answer"; readonly parts: readonly ContractPart[]; readonly ending?: ContractEnding }
  /** A refusal with an error status. `rateLimited` asks to wait for two seconds. */
  | { readonly type: "refused"; readonly as: ContractRefusal }
  /** Status 200 and a web page. */
  | { readonly type: "webPage" }

/**
 * The end of a response; `complete` by default. `cut`: the connection breaks. `short`: the body ends regularly, but
 * before the response does. `garbled`: an unreadable piece, and the end of the body. `open`: nothing more is sent.
 * `error`: the wire's own error event. `contentFilter`: complete, because the filter stopped it.
 */
export type ContractEnding = "complete" | "cut" | "short" | "garbled" | "open" | "error" | "contentFilter"

export type ContractRefusal = "rateLimited" | "overloaded" | "badKey" | "unknownModel" | "tooLong" | "broken"

export type ContractPart =
  | { readonly type: "text"; readonly chunks: readonly string[] }
  | { readonly type: "thinking"; readonly chunks: readonly string[]; readonly signature: string }
  /** The input's JSON, in pieces. */
  | {
      readonly type: "toolCall"
      readonly id: string
      readonly name: string
      readonly json: readonly string[]
    }

export interface ContractRequest {
  readonly toolNames: readonly string[]
  /** The schema of the requested output. Null for none. */
  readonly outputSchema: JsonObject | null
  readonly thinking: readonly { readonly text: string; readonly signature: string }[]
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[]
  readonly toolResults: readonly { readonly id: string; readonly text: string; readonly error: boolean }[]
}
