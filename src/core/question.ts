import type { JsonObject } from "./json/json.ts"

/**
 * A question that a tool asks the user: a form to fill in or a page to visit, as in the elicitation of
 * https://modelcontextprotocol.io/specification/draft/client/elicitation.
 */
export type Question = FormQuestion | UrlQuestion

export interface FormQuestion {
  readonly mode: "form"
  readonly message: string
  /** JSON Schema of the form's values, an object schema. Its defaults replace missing values. */
  readonly schema: JsonObject
}

export interface UrlQuestion {
  readonly mode: "url"
  readonly message: string
  readonly url: string
  /** The server's own id of the elicitation. Null if the server sent none. */
  readonly elicitationId: string | null
}

export interface QuestionAnswer {
  /** The user accepts (and has opened a `url`), declines, or closes the question without an answer (`cancel`). */
  readonly action: "accept" | "decline" | "cancel"
  /** The values of the form. Null unless the user accepted a form. */
  readonly content: JsonObject | null
}
