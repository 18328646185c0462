import type { JsonObject } from "../json/json.ts"

/** A call of a tool without a model. A run with such a call consists of this call alone. */
export interface DirectCall {
  /** Name of the tool. */
  readonly tool: string
  readonly input: JsonObject
  /** The caller of the tool, with the name of the operator. Code has no name. */
  readonly origin: { readonly type: "operator" | "code"; readonly name?: string }
}
