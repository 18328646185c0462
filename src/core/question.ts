import type { JsonObject } from "./json/json.ts"

/**
 * A question that a tool asks the user before it goes on: a form to fill in or a page to visit, as in the elicitation
 * of https://modelcontextprotocol.io/specification/draft/client/elicitation.
 */
export type Question = FormQuestion | UrlQuestion

export interface FormQuestion {
  readonly mode: "form"
  readonly message: string
  /** JSON Schema of what is to be filled in, an object schema. Its defaults stand for what is left out. */
  readonly schema: JsonObject
}

export interface UrlQuestion {
  readonly mode: "url"
  readonly message: string
  readonly url: string
  /** The server's own id of the matter, where it gave one. */
  readonly elicitationId: string | null
}

export interface QuestionAnswer {
  /** The user accepts (and has opened a `url`), declines, or closes the question without an answer (`cancel`). */
  readonly action: "accept" | "decline" | "cancel"
  /** The values of the form; null unless a form was accepted. */
  readonly content: JsonObject | null
}
