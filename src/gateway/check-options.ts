import { z } from "zod"
import { ConfigurationError } from "../core/errors.ts"

const callback = z.custom<unknown>((value) => typeof value === "function", "expected a function").optional()
const object = z.custom<unknown>((value) => typeof value === "object" && value !== null, "expected an object")
const strings = z.array(z.string().min(1)).optional()
const count = z.int().positive().optional()

const rateLimits = z.strictObject({
  initPerMinute: count,
  requestsPerMinute: count,
  failuresPerMinute: count,
})

const server = {
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "expected 1 to 64 letters, digits, dots, dashes or underscores")
    .optional(),
  store: z.union([z.string().min(1), object]).optional(),
  durability: z.enum(["process", "full"]).optional(),
  prefix: z.string().startsWith("/").optional(),
  validApiKeys: strings,
  authenticate: callback,
  jwtSecret: z.string().optional(),
  sessionTtlSeconds: count,
  sessionRetentionDays: z.number().positive().optional(),
  allowedModels: strings,
  allowSystemMessages: z.boolean().optional(),
  corsOrigins: strings,
  limits: z.strictObject({ chatBodyBytes: count, bodyBytes: count, jsonDepth: count }).optional(),
  rateLimits: z.union([z.literal(false), rateLimits]).optional(),
  trustProxy: z.int().nonnegative().optional(),
  maxConcurrentRuns: count,
  logger: object.optional(),
  redact: strings,
  clock: object.optional(),
  ids: object.optional(),
  onStartup: callback,
  onShutdown: callback,
  onSessionCreated: callback,
  onUsage: callback,
  onToolResult: callback,
  onToolTiming: callback,
  onEvent: callback,
}

const gatewayApp = z.strictObject({
  ...server,
  resolveCredentials: callback,
  buildChatRuntime: z.custom<unknown>((value) => typeof value === "function", "expected a function"),
  defaultProvider: z.union([z.enum(["anthropic", "demo"]), object]).optional(),
  apiKey: z.string().min(1).optional(),
  authToken: z.string().min(1).optional(),
  providerConfig: object.optional(),
})

const agent = z.strictObject({
  ...server,
  provider: z.union([z.enum(["anthropic", "demo"]), object]).optional(),
  apiKey: z.string().min(1).optional(),
  authToken: z.string().min(1).optional(),
  providerConfig: object.optional(),
  model: z.string().min(1).optional(),
  tools: z.array(object).optional(),
  maxTokens: count,
  maxTurns: count,
  toolTimeoutMs: count,
  maxToolResultBytes: count,
  maxRetries: z.int().nonnegative().optional(),
  needsApproval: callback,
  interceptors: z
    .array(z.custom<unknown>((value) => typeof value === "function", "expected a function"))
    .optional(),
  approvalTimeoutSeconds: count,
})

/** Throws a `ConfigurationError` that names every option that is unknown or wrong, and no value. */
export function checkGatewayAppOptions(options: unknown): void {
  check("createGatewayApp", gatewayApp, options)
}

/** The same for `createAgent`. */
export function checkAgentOptions(options: unknown): void {
  check("createAgent", agent, options)
}

function check(name: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options)
  if (error !== undefined) throw new ConfigurationError(`${name}: ${describe(error)}`)
}

function describe({ issues }: z.ZodError): string {
  return issues
    .map((issue) => {
      if (issue.code === "unrecognized_keys") return `unknown option ${issue.keys.join(", ")}`
      return `${issue.path.join(".") || "options"}: ${issue.message}`
    })
    .join("; ")
}
