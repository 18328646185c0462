import type { Json } from "../../../core/json/json.ts"
import { computeDigest } from "../identity/digest.ts"
import type {
  McpApproval,
  McpHttpServerDefinition,
  McpOAuthDefinition,
  McpProtocolVersion,
  McpServerDefinition,
  McpServerDefinitions,
  McpStdioServerDefinition,
  McpToolOptions,
} from "./definition.ts"
import type { Environment } from "./expand-variables.ts"

/**
 * Variables that name the certificates that a machine trusts. They are paths, so they hold no keys. Without them, npx
 * and uvx cannot download a server through a company's proxy.
 */
const certificateVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR", "SSL_CERT_FILE"]

/** A definition with its defaults filled in. */
export interface ServerConfig {
  readonly name: string
  readonly transport: TransportConfig
  /** A hash of the server's address or command, which identifies the server beyond its name. */
  readonly identity: string
  readonly negotiation: Negotiation
  readonly startTimeoutMs: number
  readonly trusted: boolean
  readonly approval: McpApproval | null
  readonly isEnabled: (tool: string) => boolean
  readonly toolOptions: (tool: string) => McpToolOptions
  /** Returns the time limit of a call, in milliseconds. */
  readonly timeoutMs: (tool: string) => number
  readonly prefix: boolean
  /** Prefix of the names of its tools. Empty for none. */
  readonly toolPrefix: string
  /** If true, it is offered only to sessions that have loaded it. */
  readonly onDemand: boolean
  readonly instructions: boolean
  readonly resources: boolean
  readonly prompts: boolean
  readonly perUser: { readonly idleMs: number; readonly max: number } | null
  /** If true, its tools receive the session's id as `_session_id`. */
  readonly injectsSession: boolean
  /** Fields of its tools' inputs that are hidden from the model. */
  readonly strippedFields: readonly string[]
}

/**
 * The way in which the SDK negotiates the protocol's revision. `legacy` is the handshake of the revisions up to
 * 2025-11-25.
 */
export type Negotiation = "auto" | "legacy" | { readonly pin: string }

export type TransportConfig = StdioConfig | HttpConfig

export interface StdioConfig {
  readonly type: "stdio"
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
}

export interface HttpConfig {
  readonly type: "http" | "sse"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly oauth: McpOAuthDefinition
}

export interface ConfigDefaults {
  readonly defaultToolTimeoutMs: number
  /** Milliseconds by `SERVER__TOOL`, by the tool's name on the server, or by server, in this order of precedence. */
  readonly timeoutOverrides: Readonly<Record<string, number>>
  readonly sessionInjectServers: readonly string[]
  readonly stripInputFields: readonly string[]
  /** The gateway's variables. A local server receives some of them. */
  readonly environment: Environment
}

export function toServerConfigs(
  definitions: McpServerDefinitions,
  defaults: ConfigDefaults,
): readonly ServerConfig[] {
  return Object.entries(definitions).map(([name, definition]) => toServerConfig(name, definition, defaults))
}

function toServerConfig(
  name: string,
  definition: McpServerDefinition,
  {
    defaultToolTimeoutMs,
    timeoutOverrides,
    sessionInjectServers,
    stripInputFields,
    environment,
  }: ConfigDefaults,
): ServerConfig {
  const { enabledTools, disabledTools = [], tools = {}, perUser = false } = definition
  const findToolOptions = (tool: string) => (Object.hasOwn(tools, tool) ? (tools[tool] ?? {}) : {})
  const override = (key: string) => (Object.hasOwn(timeoutOverrides, key) ? timeoutOverrides[key] : undefined)
  const own = perUser === true ? {} : perUser
  const transport =
    "command" in definition ? createStdioConfig(definition, environment) : createHttpConfig(definition)
  return {
    name,
    transport,
    identity: computeServerIdentity(transport),
    negotiation: chooseNegotiation(definition.protocolVersion ?? chooseDefaultVersion(transport)),
    startTimeoutMs: definition.startTimeoutMs ?? 30_000,
    trusted: definition.trusted ?? false,
    approval: definition.approval ?? null,
    isEnabled: (tool) => (enabledTools?.includes(tool) ?? true) && !disabledTools.includes(tool),
    toolOptions: findToolOptions,
    timeoutMs: (tool) =>
      override(`${name}__${tool}`) ??
      override(tool) ??
      override(name) ??
      findToolOptions(tool).timeoutMs ??
      definition.timeoutMs ??
      defaultToolTimeoutMs,
    prefix: definition.prefix ?? false,
    toolPrefix: definition.toolPrefix ?? "",
    onDemand: definition.onDemand ?? false,
    instructions: definition.instructions ?? false,
    resources: definition.resources ?? false,
    prompts: definition.prompts ?? false,
    perUser: own === false ? null : { idleMs: own.idleMs ?? 600_000, max: own.max ?? 100 },
    injectsSession: sessionInjectServers.includes(name),
    strippedFields: stripInputFields,
  }
}

/**
 * Returns the default version. Every stdio server supports `initialize`, and some exit after any other first message.
 */
function chooseDefaultVersion({ type }: TransportConfig): McpProtocolVersion {
  return type === "http" ? "auto" : "2025-11-25"
}

function chooseNegotiation(version: McpProtocolVersion): Negotiation {
  switch (version) {
    case "auto":
      return "auto"
    case "2025-11-25":
      return "legacy"
    case "2026-07-28":
      return { pin: version }
    default:
      return version satisfies never
  }
}

function createStdioConfig(
  { command, args = [], env = {}, inheritEnv = [], cwd }: McpStdioServerDefinition,
  environment: Environment,
): StdioConfig {
  const names = inheritEnv === true ? Object.keys(environment) : [...certificateVariables, ...inheritEnv]
  const inherited = names.flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { type: "stdio", command, args, env: { ...Object.fromEntries(inherited), ...env }, cwd: cwd ?? null }
}

function createHttpConfig({ type, url, headers = {}, oauth = {} }: McpHttpServerDefinition): HttpConfig {
  return { type: type === "sse" ? "sse" : "http", url: new URL(url), headers, oauth }
}

/**
 * Returns a hash of the server's address: its command, arguments and working directory, or its URL. It does not cover
 * the environment and the headers, because they contain keys that change.
 */
function computeServerIdentity(transport: TransportConfig): string {
  return computeDigest(describeAddress(transport))
}

function describeAddress(transport: TransportConfig): Json {
  if (transport.type !== "stdio") return { url: transport.url.href }
  const { command, args, cwd } = transport
  return { command, args, cwd }
}
