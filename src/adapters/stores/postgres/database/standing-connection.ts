import { setTimeout as delay } from "node:timers/promises"
import type { Client } from "pg"
import { toError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import { toStoreError } from "./failures.ts"

export interface StandingConnectionOptions {
  /** Creates a client that is not connected yet. Its own timeouts bound every call. */
  readonly connect: (isFirst: boolean) => Client
  /** Called after each connect, before the first tick. */
  readonly begin: (client: Client) => Promise<void>
  /** Called every `everyMs`. If a tick fails, the connection counts as lost. */
  readonly tick: (client: Client) => Promise<void>
  readonly everyMs: number
  /** Called with the last connection, if it still works, when this process leaves. */
  readonly leave?: (client: Client) => Promise<void>
  /** Name of the connection's job for log lines. */
  readonly job: string
  readonly logger: Logger
}

export interface StandingConnection {
  /** Resolves when the connection is closed. */
  end(): Promise<void>
}

const reconnectMs = 250

/**
 * Keeps one connection outside the pool, and replaces it when it breaks or falls silent. Resolves when the first
 * connection works. Rejects if connecting fails.
 */
export async function holdConnection(options: StandingConnectionOptions): Promise<StandingConnection> {
  const { connect, begin, tick, everyMs, leave, job, logger } = options
  const ending = new AbortController()

  async function enter(isFirst: boolean): Promise<{ readonly client: Client; readonly lost: AbortSignal }> {
    const client = connect(isFirst)
    const lost = new AbortController()
    client.on("error", (error) => lost.abort(error))
    client.on("end", () => lost.abort())
    try {
      await client.connect()
      await begin(client)
      return { client, lost: lost.signal }
    } catch (error) {
      close(client)
      throw toStoreError(error)
    }
  }

  async function stay({ client, lost }: Awaited<ReturnType<typeof enter>>): Promise<void> {
    const signal = AbortSignal.any([ending.signal, lost])
    try {
      while (await pause(everyMs, signal)) await tick(client)
      if (lost.aborted)
        logger.warn({ job, error: lost.reason }, "A database connection was lost. It is replaced.")
      else await leave?.(client)
    } catch (error) {
      logger.warn({ job, error }, "A database connection did not respond. It is replaced.")
    } finally {
      close(client)
    }
  }

  /** Closes a connection without waiting, because the final message of a silent connection never arrives. */
  function close(client: Client): void {
    client.end().catch((error: unknown) => {
      logger.debug({ job, error: toError(error) }, "Closing a database connection failed.")
    })
  }

  async function keepAlive(first: Awaited<ReturnType<typeof enter>>): Promise<void> {
    await stay(first)
    let isReported = false
    while (!ending.signal.aborted) {
      try {
        const next = await enter(false)
        isReported = false
        await stay(next)
      } catch (error) {
        if (!isReported)
          logger.warn({ job, error }, "The database cannot be reached. The gateway keeps trying.")
        isReported = true
        await pause(Math.min(reconnectMs, everyMs), ending.signal)
      }
    }
  }

  const living = keepAlive(await enter(true))
  return {
    async end() {
      ending.abort()
      await living
    },
  }
}

/** Waits. Resolves to false if the signal ended the pause early. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal, ref: false })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
