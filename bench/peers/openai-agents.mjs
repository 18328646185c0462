import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled } from "@openai/agents"
import { Hono } from "hono"
import { streamSSE } from "hono/streaming"
import OpenAI from "openai"
import { childSettings } from "../parent.ts"
import { serveApp } from "./serve-app.mjs"

/** The OpenAI Agents SDK behind Hono, over Chat Completions, without tracing. No sessions, no store. */
const { upstream } = childSettings()
setTracingDisabled(true)
const client = new OpenAI({ baseURL: `${upstream}/v1`, apiKey: "bench" })
const agent = new Agent({
  name: "bench",
  instructions: "You are being measured.",
  model: new OpenAIChatCompletionsModel(client, "gpt-bench"),
})
const app = new Hono()
app.post("/chat", async (c) => {
  const { messages } = await c.req.json()
  const result = await run(agent, messages, { stream: true })
  return streamSSE(c, async (stream) => {
    for await (const event of result) {
      if (event.type !== "raw_model_stream_event" || event.data.type !== "output_text_delta") continue
      await stream.writeSSE({ data: JSON.stringify({ type: "text_delta", text: event.data.delta }) })
    }
  })
})
await serveApp(app, "/chat")
