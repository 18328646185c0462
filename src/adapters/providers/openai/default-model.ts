import type { OpenAI } from "openai"

/** The default model of OpenAI's own service. */
export const defaultModel = "gpt-6-sol" satisfies OpenAI.ChatModel
