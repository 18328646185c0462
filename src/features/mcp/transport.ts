import {
  type AuthProvider,
  SdkError,
  SdkErrorCode,
  SSEClientTransport,
  type Transport,
} from "@modelcontextprotocol/client"
import type { HttpConfig, TransportConfig } from "./config/server-config.ts"
import { type Authorizer, toAuthProvider } from "./http/authorizer.ts"
import { createServerFetch } from "./http/server-fetch.ts"
import { createStreamableHttp } from "./http/streamable-http.ts"
import { StdioTransport } from "./stdio/stdio-transport.ts"

export interface OpenedTransport {
  readonly transport: Transport
  /** Returns the reason why it ended. */
  describe(): string
}

export interface TransportOptions {
  readonly authorizer: Authorizer | null
  readonly onStderr: (line: string) => void
  /** Called when the server cannot be reached any more, though the transport is not closed. */
  readonly onLost: (reason: string) => void
}

export function openTransport(config: TransportConfig, options: TransportOptions): OpenedTransport {
  switch (config.type) {
    case "stdio": {
      const transport = new StdioTransport(config, options.onStderr)
      return { transport, describe: () => transport.reason }
    }
    case "http":
      return { transport: createStreamableHttp(config, options), describe: () => "the connection was closed" }
    case "sse":
      return { transport: createSse(config, options), describe: () => "the event stream was closed" }
    default:
      return config satisfies never
  }
}

/** Returns the SDK's transport. If it was authorized after its close, it must not open its stream again. */
function createSse(config: HttpConfig, { authorizer }: TransportOptions): Transport {
  const serverFetch = createServerFetch()
  let isClosed = false
  const letIn = authorizer && toAuthProvider(authorizer, serverFetch)
  const authProvider: AuthProvider | null = letIn && {
    token: letIn.token,
    async onUnauthorized(refusal) {
      await letIn.onUnauthorized(refusal)
      if (isClosed) throw new SdkError(SdkErrorCode.NotConnected, "The connection was closed.")
    },
  }
  const transport = new SSEClientTransport(config.url, {
    requestInit: { headers: { ...config.headers } },
    fetch: serverFetch.fetch,
    ...(authProvider !== null && { authProvider }),
  })
  const close = transport.close.bind(transport)
  transport.close = async () => {
    isClosed = true
    await close()
  }
  return transport
}
