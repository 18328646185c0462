/** An MCP server: its address or command, the parts of it that the model receives, and the trust in it. */
export type McpServerDefinition = McpStdioServerDefinition | McpHttpServerDefinition

/** Servers by name. Logs, `/ready` and the events of calls show the names. */
export type McpServerDefinitions = Readonly<Record<string, McpServerDefinition>>

/** A process on this machine that communicates over its standard input and output. */
export interface McpStdioServerDefinition extends McpServerOptions {
  readonly type?: "stdio"
  /** The program. It is searched for in `PATH`. */
  readonly command: string
  readonly args?: readonly string[]
  /**
   * Environment variables in addition to `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`, and to
   * `NODE_EXTRA_CA_CERTS`, `SSL_CERT_DIR` and `SSL_CERT_FILE`, which name trusted certificates.
   */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Names of further variables of the gateway that the server receives. If true, it receives all of them, including
   * keys of providers. Default: none.
   */
  readonly inheritEnv?: true | readonly string[]
  /** Default: the gateway's working directory. */
  readonly cwd?: string
}

export interface McpHttpServerDefinition extends McpServerOptions {
  /** `http` is streamable HTTP (the default with a `url`). `sse` is the transport of protocol 2024-11-05. */
  readonly type?: "http" | "streamable-http" | "sse"
  readonly url: string
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: discovered when the server requires it and the gateway has a `publicUrl`. */
  readonly oauth?: McpOAuthDefinition
}

/** OAuth 2.1 settings of the gateway as a client of this server. Missing settings are discovered or registered. */
export interface McpOAuthDefinition {
  /** `client_credentials` needs no person: for servers that know the gateway itself. Default `authorization_code`. */
  readonly grant?: "authorization_code" | "client_credentials"
  /** Default: registered dynamically (RFC 7591). */
  readonly clientId?: string
  readonly clientSecret?: string
  /**
   * The `issuer` of the authorization server that knows the `clientId`. No other issuer receives the secret, whatever
   * the MCP server names. Default: the one that the MCP server names.
   */
  readonly issuer?: string
  /** URL of a client metadata document, which replaces the registration if the server supports it. */
  readonly clientMetadataUrl?: string
  /** Scopes, separated by spaces. Default: those that the server requests. */
  readonly scope?: string
}

/**
 * Revision of the protocol. `auto` uses the latest one that both sides support. `2025-11-25` connects with
 * `initialize`, including to servers of earlier revisions. `2026-07-28` connects to servers of that revision only.
 */
export type McpProtocolVersion = "auto" | "2025-11-25" | "2026-07-28"

export interface McpServerOptions {
  /** Default `auto` over streamable HTTP, else `2025-11-25`. */
  readonly protocolVersion?: McpProtocolVersion
  /**
   * Maximum milliseconds for the connection and the first listing. Default 30 000, because `npx` may have to download
   * the server.
   */
  readonly startTimeoutMs?: number
  /** Maximum milliseconds of a call. Default: the gateway's `mcpDefaultToolTimeoutMs`. */
  readonly timeoutMs?: number
  /** Enables only these tools, by the server's own names. Default: all. */
  readonly enabledTools?: readonly string[]
  /** Disables these tools, by the server's own names. Default: none. */
  readonly disabledTools?: readonly string[]
  /**
   * If true, the gateway trusts the server's descriptions of its tools. Tools that call themselves read-only or
   * idempotent are then called again if it is unknown whether a call took place. Default false.
   */
  readonly trusted?: boolean
  /** Decides if a person must allow calls. Default: the decision of the agent's `needsApproval`. */
  readonly approval?: McpApproval
  /**
   * Options of single tools, by the server's own names. They override the options of the server and the statements of
   * the server.
   */
  readonly tools?: Readonly<Record<string, McpToolOptions>>
  /** If true, its tools are always named `SERVER__TOOL`. Default: only tools whose name another tool also has. */
  readonly prefix?: boolean
  /**
   * Prefix of the names of its tools: 1 to 32 letters, digits, `_` and `-`. Cannot be used with `prefix`. Default:
   * none.
   */
  readonly toolPrefix?: string
  /**
   * If true, the model has none of its tools until a local tool's result loads it:
   * `toolResult(value, { loadServers })`. Default false.
   */
  readonly onDemand?: boolean
  /** If true, the server's instructions are added to the system prompt. Default false. */
  readonly instructions?: boolean
  /** If true, the model can list and read its resources, with `list_resources` and `read_resource`. Default false. */
  readonly resources?: boolean
  /** If true, the model can list and get its prompts, with `list_prompts` and `get_prompt`. Default false. */
  readonly prompts?: boolean
  /**
   * If true, each user of the gateway has their own server, or their own connection and tokens, from their first run
   * on. Default false: all users share one server.
   */
  readonly perUser?: boolean | McpPerUserOptions
}

/**
 * `destructive` asks a person about tools that do not call themselves read-only or not destructive, and about all
 * tools of an untrusted server.
 */
export type McpApproval = "always" | "never" | "destructive"

export interface McpToolOptions {
  readonly approval?: McpApproval
  readonly timeoutMs?: number
  readonly readOnly?: boolean
  readonly idempotent?: boolean
}

export interface McpPerUserOptions {
  /** Milliseconds without a run after which it is stopped. Default 600 000. */
  readonly idleMs?: number
  /**
   * Maximum number of servers at once. If it is reached, the one idle for longest is stopped. If none is idle, the
   * start is refused. Default 100.
   */
  readonly max?: number
}
