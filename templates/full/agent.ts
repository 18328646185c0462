import { createAgent, createLogger, postgresStore, rateLimitInterceptor, sqliteStore } from "ai-agent-gateway"
import { systemPrompt, tools } from "./tools.ts"

const { API_KEYS, DATABASE_URL } = process.env

export default createAgent(systemPrompt, {
  name: "notes",
  tools,
  // Several processes can share a Postgres database; a directory is for one machine.
  store: DATABASE_URL ? postgresStore(DATABASE_URL) : sqliteStore("./.agent-gateway"),
  // With this option only these keys are accepted. Without it, any key is, but only from this machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
  // Every call is counted before it is executed.
  interceptors: [rateLimitInterceptor({ max: 30, windowSeconds: 60 })],
  maxTurns: 20,
  maxBudgetUsd: 1,
  sessionRetentionDays: 90,
  // Values of these fields appear in no log, and in no event that clients receive.
  redact: ["account_number"],
  logger: createLogger({ level: "info", redact: ["account_number"] }),
})
