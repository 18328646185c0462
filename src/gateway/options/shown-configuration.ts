import type { Json } from "../../core/json/json.ts"
import { createMask, redacted } from "../../platform/logging/mask.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import type { AgentDefinition } from "../agent/agent-definition.ts"
import { type ResolvedServer, sharedServerOptions } from "./gateway-options.ts"

/** Options whose values are secrets, including those of MCP servers and providers. */
const secretNames = [
  ...[
    "apiKey",
    "authToken",
    "jwtSecret",
    "secretsKey",
    "operatorKeys",
    "validApiKeys",
    "password",
    "passphrase",
  ],
  ...["clientSecret", "privateKey", "token", "accessToken", "refreshToken", "secret", "authorization"],
]

/** Options whose members the operator names, so that any of their values may be a secret. */
const secretMembers: readonly string[] = ["env", "headers", "requestHeaders"]

const maxDepth = 12
const maxItems = 500

/** Returns the options of a gateway as JSON, for operators. Secrets are masked. Functions are only named. */
export function showConfiguration(server: ResolvedServer, agents: readonly AgentDefinition[]): Json {
  const mask = createMask([...secretNames, ...(server.redact ?? [])])
  const shownAgents = agents.map(({ name, provider, buildChatRuntime, options }) => {
    return [name, { ...options, ...provider, ...(isPlain(buildChatRuntime) ? buildChatRuntime : {}) }]
  })
  return mask(
    toShown({ server: pickOptions(sharedServerOptions, server), agents: Object.fromEntries(shownAgents) }, 0),
  )
}

function toShown(value: unknown, depth: number): Json {
  switch (typeof value) {
    case "string":
      return URL.canParse(value) ? removeCredentials(value) : value
    case "number":
    case "boolean":
      return value
    case "function":
      return "(function)"
    case "object":
      return value === null ? null : showObject(value, depth)
    default:
      return null
  }
}

function showObject(value: object, depth: number): Json {
  if (depth > maxDepth) return "…"
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => toShown(item, depth + 1))
  if ("execute" in value && "name" in value) return showTool(value)
  if (!isPlain(value)) return `(${value.constructor?.name ?? "object"})`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    members.map(([name, member]) => {
      return [name, secretMembers.includes(name) ? removeValues(member) : toShown(member, depth + 1)]
    }),
  )
}

function showTool({ name, description }: { readonly name?: unknown; readonly description?: unknown }): Json {
  return { name: String(name), description: String(description ?? "") }
}

function removeValues(members: unknown): Json {
  if (!isPlain(members)) return redacted
  return Object.fromEntries(Object.keys(members).map((name) => [name, redacted]))
}

/** Removes the user and password of a URL, and a possible key in its query. */
function removeCredentials(address: string): string {
  const url = new URL(address)
  if (url.password !== "") url.password = "redacted"
  for (const name of [...url.searchParams.keys()]) url.searchParams.set(name, "redacted")
  return url.password === "" && url.search === "" ? address : url.href
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
