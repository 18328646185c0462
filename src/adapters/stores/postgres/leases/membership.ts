import type { Client } from "pg"
import type { Logger } from "../../../../core/ports/logger.ts"
import type { Liveness } from "../../../../core/ports/store/liveness.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import { holdConnection, type StandingConnectionOptions } from "../database/standing-connection.ts"
import { type HeartbeatTimes, sendHeartbeat } from "./heartbeat.ts"
import { createHeartbeatClock } from "./heartbeat-clock.ts"
import { createStoreClock } from "./store-clock.ts"

/** This process as an owner of leases. */
export interface Membership {
  readonly id: string
  readonly liveness: Liveness
  /** The database's clock. */
  readonly clock: Clock
  /** Returns the newest log version that all live processes read, as of the last heartbeat (rule 14, versions). */
  versionOfAll(): number
  /** Ends the membership. From then on, this owner is dead to all others. */
  end(): Promise<void>
}

/**
 * Returns the name of the standing connections of a process. By this name the server shows that the process still
 * runs.
 */
export function toConnectionName(owner: string): string {
  return `ai-agent-gateway ${owner}`
}

/** SQL: the process with the id in this expression has sent a recent heartbeat, by the database's clock. */
export function isLive(process: string): string {
  return `EXISTS (SELECT FROM agent_gateway.process AS live
    WHERE live.id = ${process} AND live.expires_at > clock_timestamp())`
}

/**
 * SQL: `session.owner` is dead according to the process with the id in this expression. A process that has left has no
 * row. If its heartbeats are overdue, a process is dead only if the judging process had regular heartbeats during that
 * time. After an outage of the database all heartbeats are overdue, and every process gets one time to live to send
 * the next one.
 */
export function isOwnerDead(judge: string, { ttlMs, gapMs }: HeartbeatTimes): string {
  return `NOT EXISTS (
    SELECT FROM agent_gateway.process AS other WHERE other.id = session.owner AND (
      other.expires_at > clock_timestamp()
      OR NOT EXISTS (
        SELECT FROM agent_gateway.process AS judge WHERE judge.id = ${judge}
          AND judge.beat_at > clock_timestamp() - ${gapMs} * interval '1 millisecond'
          AND judge.steady_since <= clock_timestamp() - ${ttlMs} * interval '1 millisecond')))`
}

/**
 * SQL: `session.owner` still has a connection, so it lapsed and did not die: it is paused, or the network between it
 * and the server is silent.
 */
export const ownerIsConnected = `(session.owner IS NOT NULL AND EXISTS (
  SELECT FROM pg_stat_activity AS activity WHERE activity.application_name = 'ai-agent-gateway ' || session.owner))`

/**
 * Renews this process's row on a connection that does nothing else. If the row lapses, others may take its sessions,
 * and the epoch fences this process (rule 7, fencing). Sessions that no process took remain its own when the
 * heartbeat is back.
 */
export async function joinMembers(options: {
  readonly id: string
  readonly connect: StandingConnectionOptions["connect"]
  readonly times: HeartbeatTimes
  /** The newest log version that this process reads. */
  readonly reads: number
  readonly logger: Logger
}): Promise<Membership> {
  const { id, connect, times, reads, logger } = options
  // The first heartbeat, which this function waits for, reads the version.
  let versionOfAll = 0
  const { heartbeatMs, validMs } = times
  const beats = createHeartbeatClock({ validMs })
  const clock = createStoreClock()
  beats.onChange((isLive) => {
    if (isLive) logger.info({}, "The heartbeat is back. This process checks which sessions it still holds.")
    else
      logger.warn(
        {},
        "The heartbeat to the database has lapsed, so other processes may take this process's sessions. " +
          "No tool and no model call is started until it is back.",
      )
  })
  async function renew(client: Client): Promise<void> {
    const sentAt = performance.now()
    const reply = await sendHeartbeat(client, { id, times, reads })
    clock.read(reply.now, { sentAt, receivedAt: performance.now() })
    versionOfAll = reply.versionOfAll
    beats.confirmed(sentAt)
  }
  try {
    const connection = await holdConnection({
      connect,
      begin: renew,
      tick: renew,
      everyMs: heartbeatMs,
      leave: async (client) =>
        void (await client.query("DELETE FROM agent_gateway.process WHERE id = $1", [id])),
      job: "heartbeat",
      logger,
    })
    return {
      id,
      liveness: beats,
      clock,
      versionOfAll: () => versionOfAll,
      async end() {
        await connection.end()
        beats.end()
      },
    }
  } catch (error) {
    beats.end()
    throw error
  }
}
