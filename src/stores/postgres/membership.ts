import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import type { Client } from "pg"
import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { toStoreError } from "./failures.ts"

/** Sessions that were put a command are announced here. */
export const arrivalsChannel = "agent_gateway_arrivals"

/** Whether `owner`'s leases are held, by the database's clock (rule 8). */
export const ownerIsLive = `EXISTS (
  SELECT FROM agent_gateway.process WHERE process.id = owner AND expires_at > clock_timestamp())`

/** This process as an owner of leases. */
export interface Membership {
  readonly id: string
  /** From here on this owner is dead to all others. */
  end(): Promise<void>
}

export interface MembershipOptions {
  readonly connect: () => Client
  readonly onArrival: (sessionId: string) => void
  readonly logger: Logger
  readonly heartbeatMs: number
  readonly ttlMs: number
}

const reconnectMs = 500

/**
 * Holds one connection of its own, which hears of arrivals and renews this process's row. Should the row lapse,
 * others may take the sessions over and the epoch fences this process (rule 7); those that nobody took stay its
 * own once it beats again, so that an outage of the database itself interrupts no run.
 */
export async function joinMembers(options: MembershipOptions): Promise<Membership> {
  const { connect, onArrival, logger, heartbeatMs, ttlMs } = options
  const id = randomUUID()
  const ending = new AbortController()

  async function enter(): Promise<{ readonly client: Client; readonly lost: AbortSignal }> {
    const client = connect()
    const lost = new AbortController()
    client.on("error", (error) => lost.abort(error))
    client.on("end", () => lost.abort())
    client.on("notification", ({ payload }) => onArrival(payload ?? ""))
    try {
      await client.connect()
      await client.query(`LISTEN ${arrivalsChannel}`)
      await beat(client)
      return { client, lost: lost.signal }
    } catch (error) {
      await close(client)
      throw toStoreError(error)
    }
  }

  async function beat(client: Client): Promise<void> {
    await client.query(
      `INSERT INTO agent_gateway.process (id, expires_at)
       VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
       ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`,
      [id, ttlMs],
    )
  }

  async function stay({ client, lost }: Awaited<ReturnType<typeof enter>>): Promise<void> {
    const signal = AbortSignal.any([ending.signal, lost])
    try {
      while (await pause(heartbeatMs, signal)) await beat(client)
      if (!lost.aborted) await client.query("DELETE FROM agent_gateway.process WHERE id = $1", [id])
      else logger.warn({ error: lost.reason }, "the connection that holds this process's leases was lost")
    } catch (error) {
      logger.warn({ error }, "this process's leases could not be renewed")
    } finally {
      await close(client)
    }
  }

  async function close(client: Client): Promise<void> {
    await client
      .end()
      .catch((error: unknown) => logger.debug({ error: toError(error) }, "closing a connection failed"))
  }

  async function live(first: Awaited<ReturnType<typeof enter>>): Promise<void> {
    await stay(first)
    while (!ending.signal.aborted) {
      try {
        await stay(await enter())
      } catch (error) {
        logger.warn({ error }, "the database cannot be reached to renew this process's leases")
        await pause(Math.min(reconnectMs, heartbeatMs), ending.signal)
      }
    }
  }

  const living = live(await enter())
  return {
    id,
    async end() {
      ending.abort()
      await living
    },
  }
}

/** False when the signal ended it early. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal, ref: false })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
