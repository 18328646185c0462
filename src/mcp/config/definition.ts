/** An MCP server: its address or command, the parts of it that the model receives, and the trust in it. */
export type McpServerDefinition = McpStdioServerDefinition | McpHttpServerDefinition

/** By name. The names are shown in logs, in `/ready` and in the events of calls. */
export type McpServerDefinitions = Readonly<Record<string, McpServerDefinition>>

/** A process of this machine, spoken to over its standard input and output. */
export interface McpStdioServerDefinition extends McpServerOptions {
  readonly type?: "stdio"
  /** Looked for in `PATH`. */
  readonly command: string
  readonly args?: readonly string[]
  /**
   * In addition to `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`: nothing else of the gateway's is passed on.
   */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the gateway's working directory. */
  readonly cwd?: string
}

export interface McpHttpServerDefinition extends McpServerOptions {
  /** `http` is streamable HTTP (the default with a `url`), `sse` the transport of protocol 2024-11-05. */
  readonly type?: "http" | "streamable-http" | "sse"
  readonly url: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: discovered when the server asks for it and the gateway has a `mcpOAuthRedirectUrl`. */
  readonly oauth?: McpOAuthDefinition
}

/** OAuth 2.1 as a client of this server. Whatever is left out is discovered or registered. */
export interface McpOAuthDefinition {
  /** `client_credentials` needs no person: for servers that know the gateway itself. Default `authorization_code`. */
  readonly grant?: "authorization_code" | "client_credentials"
  /** Default: registered dynamically (RFC 7591). */
  readonly clientId?: string
  readonly clientSecret?: string
  /**
   * The `issuer` of the authorization server that knows the `clientId`: no other is sent the secret, whatever the MCP
   * server names. Default: the one that the MCP server names.
   */
  readonly issuer?: string
  /** URL of a client metadata document, which takes the place of registration where the server knows them. */
  readonly clientMetadataUrl?: string
  /** Separated by blanks. Default: what the server asks for. */
  readonly scope?: string
}

/**
 * Revision of the protocol. `auto` takes the latest one that both sides know. `2025-11-25` connects with
 * `initialize`, also to servers of earlier revisions. `2026-07-28` connects to servers of that revision only.
 */
export type McpProtocolVersion = "auto" | "2025-11-25" | "2026-07-28"

export interface McpServerOptions {
  /** Default `auto` over streamable HTTP, else `2025-11-25`. */
  readonly protocolVersion?: McpProtocolVersion
  /** Milliseconds for the connection and the first listing. Default 30 000: `npx` may have to download. */
  readonly startTimeoutMs?: number
  /** Milliseconds for a call. Default: the gateway's `mcpDefaultToolTimeoutMs`. */
  readonly timeoutMs?: number
  /** Only these, by the server's own names. Default all. */
  readonly enabledTools?: readonly string[]
  /** All but these. */
  readonly disabledTools?: readonly string[]
  /**
   * If true, the server's statements about its tools are believed: then tools that call themselves read-only or
   * idempotent are called again when it is not known if a call took place. Default false.
   */
  readonly trusted?: boolean
  /** Decides if a person must allow calls. Default: what the agent's `needsApproval` says. */
  readonly approval?: McpApproval
  /** For single tools, by the server's own names: wins over what is said of the server and by it. */
  readonly tools?: Readonly<Record<string, McpToolOptions>>
  /**
   * If true, its tools are always named `SERVER__TOOL`. Default: only those whose name another tool has too.
   */
  readonly prefix?: boolean
  /**
   * Text that is put before the names of its tools: 1 to 32 letters, digits, `_` and `-`. Not with `prefix`. Default
   * none.
   */
  readonly toolPrefix?: string
  /** If true, the server's instructions are added to the system prompt. Default false. */
  readonly instructions?: boolean
  /**
   * If true, the model can list and read its resources, by `list_resources` and `read_resource`. Default false.
   */
  readonly resources?: boolean
  /** If true, the model can list and get its prompts, by `list_prompts` and `get_prompt`. Default false. */
  readonly prompts?: boolean
  /**
   * If true, each user of the gateway has a server, or a connection and tokens, of their own. Started with their
   * first run. Default false: one for all.
   */
  readonly perUser?: boolean | McpPerUserOptions
}

/**
 * `destructive` asks for tools that do not call themselves read-only or not destructive; for all tools of a server that
 * is not trusted.
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
  /** Most at once; past it the one longest idle is stopped, and with none idle the start is refused. Default 100. */
  readonly max?: number
}
