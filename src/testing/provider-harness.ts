import type { Provider } from "../core/ports/provider.ts"

/** A provider in front of a scripted upstream, in that upstream's own wire format. One for each case. */
export interface ProviderHarness {
  readonly provider: Provider
  /** Texts that neither a client nor the log may see: keys. */
  readonly secrets: readonly string[]
  /** Makes the upstream answer the next call so. Calls are answered in the order of these. */
  answer(answer: ContractAnswer): void
  /** The upstream's last request, read back from its wire format. */
  received(): ContractRequest
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

/** `complete` by default; `cut`: the connection breaks; `open`: nothing more comes; `error`: the wire's own error event. */
export type ContractEnding = "complete" | "cut" | "open" | "error"

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
  readonly thinking: readonly { readonly text: string; readonly signature: string }[]
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[]
  readonly toolResults: readonly { readonly id: string; readonly text: string; readonly error: boolean }[]
}
