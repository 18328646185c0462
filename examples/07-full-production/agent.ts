import {
  createGatewayApp,
  createLogger,
  type Interceptor,
  pathAllowlist,
  rateLimitInterceptor,
  tool,
} from "ai-agent-gateway"
import { z } from "zod"

const { API_KEYS = "dev", DATABASE_URL, DOCUMENTS = process.cwd() } = process.env
const logger = createLogger({ redact: ["account_number"] })

const readDocument = tool({
  name: "read_document",
  description: "Read a text document by its path.",
  inputSchema: z.object({ path: z.string() }),
  readOnly: true,
  execute: async ({ path }, { signal }) => {
    const { readFile } = await import("node:fs/promises")
    const { resolve } = await import("node:path")
    return readFile(resolve(DOCUMENTS, path), { encoding: "utf8", signal })
  },
})

const sendEmail = tool({
  name: "send_email",
  description: "Send an e-mail.",
  inputSchema: z.object({ to: z.email(), subject: z.string(), body: z.string() }),
  idempotent: true,
  qualifier: ({ to }) => String(to).split("@")[1] ?? null,
  execute: ({ to }, { idempotencyKey }) => ({ queued: to, id: idempotencyKey }),
})

// Interceptors receive every call before a person is asked about it, in this order.
const workingHours: Interceptor = ({ toolName }) => {
  const hour = new Date().getUTCHours()
  if (toolName !== "send_email" || (hour >= 6 && hour < 20)) return { action: "allow" }
  return { action: "ask", code: "out_of_hours", message: "E-mail outside working hours." }
}

const interceptors = [
  pathAllowlist({ roots: [DOCUMENTS], parameters: { read_document: ["path"] } }),
  rateLimitInterceptor({ max: 20, windowSeconds: 60 }),
  workingHours,
]

// Profiles by channel. Users of the web chat may have e-mails sent. The voice assistant can only read.
const profiles = {
  web: {
    systemPrompt: [{ text: "You help the staff of a small company. Be brief and exact.", cache: true }],
    tools: [readDocument, sendEmail],
  },
  voice: {
    systemPrompt: "You help the staff of a small company. Answer in one spoken sentence.",
    tools: [readDocument],
  },
}

export default createGatewayApp({
  name: "office",
  store: DATABASE_URL,
  validApiKeys: API_KEYS.split(","),
  allowedModels: ["claude-sonnet-5-5", "claude-haiku-5-5"],
  sessionRetentionDays: 90,
  logger,

  buildChatRuntime: ({ channel }) => ({
    ...(channel === "voice" ? profiles.voice : profiles.web),
    maxTurns: 15,
    interceptors,
    needsApproval: ({ toolName, qualifier }) => toolName === "send_email" && qualifier !== "example.com",
    approvalTimeoutSeconds: 4 * 3_600,
  }),

  onUsage: ({ sessionId, model, usage }) => logger.info({ sessionId, model, usage }, "usage"),
  onToolTiming: (timing) => logger.info(timing, "tool call"),
  onStartup: () => logger.info({}, "open for work"),
  onShutdown: () => logger.info({}, "closed"),
})
