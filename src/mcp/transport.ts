import { SSEClientTransport, type Transport } from "@modelcontextprotocol/client"
import type { TransportConfig } from "./config/server-config.ts"
import { type Authorizer, toAuthProvider } from "./http/authorizer.ts"
import { createServerFetch } from "./http/server-fetch.ts"
import { streamableHttp } from "./http/streamable-http.ts"
import { StdioTransport } from "./stdio/stdio-transport.ts"

export interface OpenedTransport {
  readonly transport: Transport
  /** Why it ended. */
  describe(): string
}

export interface TransportOptions {
  readonly authorizer: Authorizer | null
  readonly onStderr: (line: string) => void
  /** The server cannot be reached any more, though the transport is not closed. */
  readonly onLost: (reason: string) => void
}

export function openTransport(config: TransportConfig, options: TransportOptions): OpenedTransport {
  switch (config.type) {
    case "stdio": {
      const transport = new StdioTransport(config, options.onStderr)
      return { transport, describe: () => transport.reason }
    }
    case "http":
      return { transport: streamableHttp(config, options), describe: () => "the connection was closed" }
    case "sse": {
      const { authorizer } = options
      const serverFetch = createServerFetch()
      const transport = new SSEClientTransport(config.url, {
        requestInit: { headers: { ...config.headers } },
        fetch: serverFetch.fetch,
        ...(authorizer !== null && { authProvider: toAuthProvider(authorizer, serverFetch) }),
      })
      return { transport, describe: () => "the event stream was closed" }
    }
    default:
      return config satisfies never
  }
}
