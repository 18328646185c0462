import type { JsonObject } from "../../core/json/json.ts"
import type { Provider } from "../../core/ports/provider.ts"

export interface ProviderContractCase {
  readonly name: string
  /** The case is only for a service that has this. */
  readonly needs?: ProviderFeature
  /** It holds whatever is answered: also for a provider with no service behind it, to which `answer` means nothing. */
  readonly unscripted?: true
  run(harness: ProviderHarness): Promise<void>
}

/**
 * `thinking` it sends thinking, which goes back to it; `earlyUsage` it counts the input before the first token;
 * `outputSchema` it takes the schema of an answer; `contentFilter` it may withhold an answer; `toolInput` it sends
 * the input of calls in pieces.
 */
export type ProviderFeature = "thinking" | "earlyUsage" | "outputSchema" | "contentFilter" | "toolInput"

/** A provider in front of a scripted upstream, in that upstream's own wire format. One for each case. */
export interface ProviderHarness {
  readonly provider: Provider
  /** Texts that neither a client nor the log may see: keys. */
  readonly secrets: readonly string[]
  /** Makes the upstream answer the next call so. Calls are answered in the order of these. */
  answer(answer: ContractAnswer): void
  /** The upstream's last request, read back from its wire format. */
  received(): ContractRequest
  /** The header of that name of the upstream's last request. */
  receivedHeader(name: string): string | null
  /** Resolves once the upstream's last exchange is over: whether the client broke it off. */
  disconnected(): Promise<boolean>
  close(): Promise<void>
}

export type ContractAnswer =
  | { readonly type: "answer"; readonly parts: readonly ContractPart[]; readonly ending?: ContractEnding }
  /** Refused with a status and no answer; `rateLimited` asks to wait for two seconds. */
  | { readonly type: "refused"; readonly as: ContractRefusal }
  /** Status 200 and a web page. */
  | { readonly type: "webPage" }

/**
 * The end of a response; `complete` by default. `cut`: the connection breaks. `short`: the body ends in order, but
 * before the response does. `garbled`: a piece that cannot be read, and the end of the body. `open`: nothing more
 * comes. `error`: the wire's own error event. `contentFilter`: complete, because the filter stopped it.
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
  /** The schema of the answer that was asked for, null for none. */
  readonly outputSchema: JsonObject | null
  readonly thinking: readonly { readonly text: string; readonly signature: string }[]
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[]
  readonly toolResults: readonly { readonly id: string; readonly text: string; readonly error: boolean }[]
}
