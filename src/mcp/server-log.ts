import type { Client, LoggingLevel } from "@modelcontextprotocol/client"
import type { Logger } from "../core/ports/logger.ts"

const longestMessage = 2_000
/** Of one connection. What a server says beyond that is counted, so that it cannot fill a disk. */
const mostPerMinute = 600
const minuteMs = 60_000

const levels: Readonly<Record<LoggingLevel, keyof Logger>> = {
  debug: "debug",
  info: "info",
  notice: "info",
  warning: "warn",
  error: "error",
  critical: "error",
  alert: "error",
  emergency: "error",
}

/** Puts what a server logs into the gateway's log, at its level. */
export function followLog(
  client: Pick<Client, "setNotificationHandler">,
  server: string,
  logger: Logger,
): void {
  let since = performance.now()
  let count = 0
  client.setNotificationHandler("notifications/message", ({ params: { level, data, logger: source } }) => {
    if (performance.now() - since >= minuteMs) {
      const leftOut = count - mostPerMinute
      if (leftOut > 0) logger.warn({ server, leftOut }, "messages of an MCP server were left out")
      since = performance.now()
      count = 0
    }
    count += 1
    if (count === mostPerMinute + 1)
      logger.warn({ server, mostPerMinute }, "an MCP server logs too much: the rest is left out for a minute")
    if (count > mostPerMinute) return
    const text = typeof data === "string" ? data : (JSON.stringify(data) ?? "")
    const fields = { server, source, text: text.slice(0, longestMessage) }
    logger[levels[level]](fields, "an MCP server logged")
  })
}

/** Until it is told a level a server may send all or nothing. */
export async function askForLog(
  client: Client,
  request: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<void> {
  if (client.getServerCapabilities()?.logging === undefined) return
  if (client.getProtocolEra() !== "legacy") return
  await client.setLoggingLevel("info", request)
}
