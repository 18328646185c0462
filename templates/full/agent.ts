import { createAgent, postgresStore, rateLimitInterceptor, sqliteStore } from "ai-agent-gateway"
import { systemPrompt, tools } from "./tools.ts"

const { API_KEYS, DATABASE_URL } = process.env

export default createAgent(systemPrompt, {
  name: "notes",
  tools,
  // Several processes can share a Postgres database. A data directory is for the processes of one machine.
  store: DATABASE_URL ? postgresStore(DATABASE_URL) : sqliteStore("./.agent-gateway"),
  // With this option, only these keys are accepted. Without it, the gateway accepts any key, but only from this
  // machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
  // The interceptor counts every call before the call is executed.
  interceptors: [rateLimitInterceptor({ max: 30, windowSeconds: 60 })],
  maxTurns: 20,
  maxBudgetUsd: 1,
  sessionRetentionDays: 90,
  // The values of these fields are masked in the log and in the events for clients.
  redact: ["account_number"],
})
