import type { OpenAI } from "openai"

/** Of OpenAI's own service. */
export const defaultModel = "gpt-6-sol" satisfies OpenAI.ChatModel
