import { type Client, LOG_LEVEL_META_KEY, type LoggingLevel } from "@modelcontextprotocol/client"
import { toError } from "../../core/errors.ts"
import { isLongerAsJson } from "../../core/json/json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { truncateText } from "./short-text.ts"

const maxMessageCharacters = 2_000
const maxSourceCharacters = 100
/** Larger values are not serialized only to be truncated. */
const maxDataCharacters = 100_000
/**
 * Maximum log lines of one connection in a minute. Further ones are only counted, so that a server cannot fill a
 * disk.
 */
const mostPerMinute = 600
const minuteMs = 60_000

/** The lowest level that the gateway requests from servers. */
const level = "info"

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

export interface ServerLog {
  /** Writes the server's log messages into the gateway's log, at their level. */
  follow(client: Pick<Client, "setNotificationHandler">): void
  onStderr(line: string): void
}

/** Creates the log of one connection. Log messages and lines on standard error share one budget. */
export function createServerLog(server: string, logger: Logger): ServerLog {
  const mayLog = createLineBudget(server, logger)
  return {
    follow(client) {
      client.setNotificationHandler("notifications/message", ({ params }) => {
        if (!mayLog()) return
        const source =
          params.logger === undefined ? undefined : truncateText(params.logger, maxSourceCharacters)
        const fields = { server, source, text: formatData(params.data) }
        logger[levels[params.level]](fields, "An MCP server logged a message.")
      })
    },
    onStderr(line) {
      if (!mayLog()) return
      logger.debug(
        { server, line: truncateText(line, maxMessageCharacters) },
        "An MCP server wrote to standard error.",
      )
    },
  }
}

function formatData(data: unknown): string {
  if (typeof data === "string") return truncateText(data, maxMessageCharacters)
  if (isLongerAsJson(data, maxDataCharacters)) return `[a value of more than ${maxDataCharacters} characters]`
  return truncateText(JSON.stringify(data) ?? "", maxMessageCharacters)
}

/** Returns a function that reports for each line if it is within the budget. Logs how many lines were not. */
function createLineBudget(server: string, logger: Logger): () => boolean {
  let since = performance.now()
  let count = 0
  return () => {
    if (performance.now() - since >= minuteMs) {
      const leftOut = count - mostPerMinute
      if (leftOut > 0) logger.warn({ server, leftOut }, "Messages of an MCP server were left out of the log.")
      since = performance.now()
      count = 0
    }
    count += 1
    if (count === mostPerMinute + 1)
      logger.warn(
        { server, mostPerMinute },
        "An MCP server logs too much. The rest is left out of the log for a minute.",
      )
    return count <= mostPerMinute
  }
}

/**
 * Requests the log of a server of revisions up to 2025-11-25. Without a requested level, the server may send all
 * messages or none. Never rejects, because a server that refuses works nevertheless.
 */
export async function askForLog(
  client: Client,
  { server, logger }: { readonly server: string; readonly logger: Logger },
): Promise<void> {
  if (client.getServerCapabilities()?.logging === undefined || client.getProtocolEra() !== "legacy") return
  try {
    await client.setLoggingLevel(level)
  } catch (thrown) {
    const reason = truncateText(toError(thrown).message, maxMessageCharacters)
    logger.debug(
      { server, reason },
      "An MCP server refused to set its log level. Some of its log messages may be missing.",
    )
  }
}

/**
 * Returns the metadata with which a request asks for the server's log. Since 2026-07-28, each request has its own
 * setting.
 */
export function createLogMeta(client: Client): { readonly _meta?: Readonly<Record<string, string>> } {
  return client.getProtocolEra() === "legacy" ? {} : { _meta: { [LOG_LEVEL_META_KEY]: level } }
}
