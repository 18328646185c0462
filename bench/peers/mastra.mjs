import { createAnthropic } from "@ai-sdk/anthropic"
import { Agent } from "@mastra/core/agent"
import { Mastra } from "@mastra/core/mastra"
import { MastraServer } from "@mastra/hono"
import { Hono } from "hono"
import { childSettings } from "../parent.ts"
import { serveApp } from "./serve-app.mjs"

/** Mastra's server by its Hono adapter, without a logger. No memory, no store. */
const { upstream } = childSettings()
const anthropic = createAnthropic({ baseURL: `${upstream}/v1`, apiKey: "bench" })
const bench = new Agent({
  id: "bench",
  name: "bench",
  instructions: "You are being measured.",
  model: anthropic("claude-sonnet-4-5"),
})
const app = new Hono()
await new MastraServer({ app, mastra: new Mastra({ agents: { bench }, logger: false }) }).init()
await serveApp(app, "/api/agents/bench/stream")
