import {
  type OAuthClientProvider,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client"
import type { HttpConfig, TransportConfig } from "./config/server-config.ts"
import { StdioTransport } from "./stdio/stdio-transport.ts"

export interface OpenedTransport {
  readonly transport: Transport
  /** Why it ended. */
  describe(): string
  close(): Promise<void>
}

export interface TransportOptions {
  readonly authProvider: OAuthClientProvider | null
  readonly onStderr: (line: string) => void
}

/** How long a server may take to hear that its session is over. */
const farewellMs = 1_000

export function openTransport(config: TransportConfig, options: TransportOptions): OpenedTransport {
  switch (config.type) {
    case "stdio": {
      const transport = new StdioTransport(config, options.onStderr)
      return { transport, describe: () => transport.reason, close: () => transport.close() }
    }
    case "http": {
      const transport = new StreamableHTTPClientTransport(config.url, httpOptions(config, options))
      return {
        transport,
        describe: () => "the connection was closed",
        async close() {
          await sayGoodbye(transport)
          await transport.close()
        },
      }
    }
    case "sse": {
      const transport = new SSEClientTransport(config.url, httpOptions(config, options))
      return { transport, describe: () => "the event stream was closed", close: () => transport.close() }
    }
    default:
      return config satisfies never
  }
}

function httpOptions({ headers }: HttpConfig, { authProvider }: TransportOptions) {
  return { requestInit: { headers: { ...headers } }, ...(authProvider !== null && { authProvider }) }
}

/** Lets the server drop its session. It may not allow that, or be gone. */
async function sayGoodbye(transport: StreamableHTTPClientTransport): Promise<void> {
  if (transport.sessionId === undefined) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, farewellMs)
  await Promise.race([transport.terminateSession().catch(() => undefined), late])
  clearTimeout(timer)
}
