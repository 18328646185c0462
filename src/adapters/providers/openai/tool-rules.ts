import type { ToolRules } from "../../../core/ports/tools/tool-rules.ts"

/** Rules of services and servers with an API of OpenAI. They check schemas like OpenAI, or less strictly. */
export const compatibleToolRules: ToolRules = { plainRoot: true, itemsRequired: true }

/** Rules that follow from errors of OpenAI's own APIs. Their reference does not list them all. */
export const openAiToolRules: ToolRules = {
  ...compatibleToolRules,
  mostTools: 128,
  longestDescription: 1_024,
}
