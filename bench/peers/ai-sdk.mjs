import { createAnthropic } from "@ai-sdk/anthropic"
import { streamText } from "ai"
import { Hono } from "hono"
import { childSettings } from "../parent.ts"
import { serveApp } from "./serve-app.mjs"

/** The AI SDK behind Hono, as its documentation shows it. No sessions, no store. */
const { upstream } = childSettings()
const anthropic = createAnthropic({ baseURL: `${upstream}/v1`, apiKey: "bench" })
const app = new Hono()
app.post("/chat", async (c) => {
  const { messages } = await c.req.json()
  const result = streamText({
    model: anthropic("claude-sonnet-4-5"),
    system: "You are being measured.",
    messages,
  })
  return result.toUIMessageStreamResponse()
})
await serveApp(app, "/chat")
