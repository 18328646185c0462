import { z } from "zod"
import { ConfigurationError } from "../../../core/errors.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { parseOptions } from "../../../platform/options/resolve-options.ts"
import type { McpServerDefinition, McpServerDefinitions } from "./definition.ts"

const milliseconds = z.int().positive().max(longestTimerMs)
const texts = z.record(z.string(), z.string())
const approval = z.enum(["always", "never", "destructive"])

const common = {
  protocolVersion: z.enum(["auto", "2025-11-25", "2026-07-28"]).optional(),
  startTimeoutMs: milliseconds.optional(),
  timeoutMs: milliseconds.optional(),
  enabledTools: z.array(z.string()).optional(),
  disabledTools: z.array(z.string()).optional(),
  trusted: z.boolean().optional(),
  approval: approval.optional(),
  tools: z
    .record(
      z.string(),
      z.strictObject({
        approval: approval.optional(),
        timeoutMs: milliseconds.optional(),
        readOnly: z.boolean().optional(),
        idempotent: z.boolean().optional(),
      }),
    )
    .optional(),
  prefix: z.boolean().optional(),
  toolPrefix: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,32}$/, 'expected 1 to 32 letters, digits, "_" or "-"')
    .optional(),
  onDemand: z.boolean().optional(),
  instructions: z.boolean().optional(),
  resources: z.boolean().optional(),
  prompts: z.boolean().optional(),
  perUser: z
    .union([
      z.boolean(),
      z.strictObject({ idleMs: milliseconds.optional(), max: z.int().positive().optional() }),
    ])
    .optional(),
}

const stdio = {
  ...common,
  type: z.literal("stdio").optional(),
  command: z.string().min(1),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
  inheritEnv: z
    .union([z.literal(true), z.array(z.string())], "expected true or a list of names of variables")
    .optional(),
  cwd: z.string().min(1).optional(),
}

const http = {
  ...common,
  type: z.enum(["http", "streamable-http", "sse"]).optional(),
  url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }),
  headers: texts.optional(),
  oauth: z
    .strictObject({
      grant: z.enum(["authorization_code", "client_credentials"]).optional(),
      clientId: z.string().min(1).optional(),
      clientSecret: z.string().min(1).optional(),
      issuer: z.url().optional(),
      clientMetadataUrl: z.url().optional(),
      scope: z.string().optional(),
    })
    .optional(),
}

const strict = { stdio: z.strictObject(stdio), http: z.strictObject(http) }
/** Unknown members are allowed, because the file belongs to another program. */
const lenient = { stdio: z.object(stdio), http: z.object(http) }

/** Parses definitions. Throws a `ConfigurationError` that names every wrong server and option, but no value. */
export function parseDefinitions(
  given: unknown,
  source: { readonly name: string; readonly unknownKeys: "refused" | "ignored" },
): McpServerDefinitions {
  const servers = z.record(z.string(), z.unknown()).safeParse(given)
  if (!servers.success) throw new ConfigurationError(`${source.name}: expected an object of servers.`)
  const shapes = source.unknownKeys === "refused" ? strict : lenient
  const parsed = Object.entries(servers.data).map(([name, definition]) => {
    if (!/^[^\p{Cc}]{1,64}$/u.test(name)) {
      throw new ConfigurationError(`${source.name}: a server's name has 1 to 64 characters.`)
    }
    return [name, parseDefinition(definition, shapes, `${source.name}.${name}`)] as const
  })
  return Object.fromEntries(parsed)
}

function parseDefinition(definition: unknown, shapes: typeof strict, path: string): McpServerDefinition {
  const isRecord = typeof definition === "object" && definition !== null
  const byCommand = isRecord && "command" in definition
  if (byCommand === (isRecord && "url" in definition)) {
    throw new ConfigurationError(`${path}: expected a command or a url.`)
  }
  const parsed = parseOptions(path, byCommand ? shapes.stdio : shapes.http, definition)
  checkVersion(parsed, path)
  checkPrefix(parsed, path)
  // All readers of a definition treat missing keys and undefined keys the same.
  return parsed as McpServerDefinition
}

function checkPrefix(
  { prefix, toolPrefix }: z.infer<typeof strict.stdio | typeof strict.http>,
  path: string,
): void {
  if (prefix !== true || toolPrefix === undefined) return
  throw new ConfigurationError(
    `${path}: prefix and toolPrefix both name the tools. Set one of them: prefix for SERVER__TOOL, toolPrefix ` +
      "for a text of your own.",
  )
}

function checkVersion(
  { type, protocolVersion = "2025-11-25" }: z.infer<typeof strict.stdio | typeof strict.http>,
  path: string,
): void {
  if (type !== "sse" || protocolVersion === "2025-11-25") return
  throw new ConfigurationError(`${path}: protocolVersion: over sse only "2025-11-25" is possible.`)
}
