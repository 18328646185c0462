import type { ToolRules } from "../../core/ports/tool-rules.ts"

/** Rules of the services and servers that speak an API of OpenAI. They check schemas as OpenAI does, or less. */
export const compatibleToolRules: ToolRules = { plainRoot: true, itemsRequired: true }

/** By the errors of OpenAI's own APIs: their reference does not list them all. */
export const openAiToolRules: ToolRules = {
  ...compatibleToolRules,
  mostTools: 128,
  longestDescription: 1_024,
}
