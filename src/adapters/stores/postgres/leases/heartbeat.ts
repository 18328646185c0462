import type { Client } from "pg"
import { readInteger } from "../../rows/columns.ts"

/** Times of rule 8 (liveness), derived from the time to live. */
export interface HeartbeatTimes {
  /** A process whose last heartbeat is older than this, by the database's clock, counts as dead for others. */
  readonly ttlMs: number
  readonly heartbeatMs: number
  /**
   * Milliseconds after which an unconfirmed heartbeat is sent again on another connection. At most a third of the
   * time to live.
   */
  readonly timeoutMs: number
  /** The process itself counts a heartbeat only this long, so it stops before others may take over. */
  readonly validMs: number
  /** After a longer gap in its own heartbeats, a process declares no other process dead for one time to live. */
  readonly gapMs: number
}

/** Default time to live of a heartbeat in milliseconds. */
const defaultTtlMs = 3_000

export function computeHeartbeatTimes(ttlMs: number = defaultTtlMs): HeartbeatTimes {
  return {
    ttlMs,
    heartbeatMs: ttlMs / 4,
    timeoutMs: ttlMs / 4,
    validMs: (ttlMs * 5) / 6,
    gapMs: (ttlMs * 2) / 3,
  }
}

/**
 * Milliseconds for which a process that crashed, or is cut off from the database, still counts among those that must
 * be able to read new entries, because it may come back.
 */
const absentMs = 60_000

const beat = `
  INSERT INTO agent_gateway.process AS own (id, expires_at, beat_at, steady_since, reads_version)
  VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond', clock_timestamp(), clock_timestamp(), $4)
  ON CONFLICT (id) DO UPDATE SET
    expires_at = excluded.expires_at,
    beat_at = excluded.beat_at,
    steady_since = CASE
      WHEN excluded.beat_at BETWEEN own.beat_at AND own.beat_at + $3 * interval '1 millisecond' THEN own.steady_since
      ELSE excluded.beat_at
    END
  RETURNING (
    SELECT coalesce(min(reads_version), $4) FROM agent_gateway.process AS other
    WHERE other.expires_at > clock_timestamp() - ${absentMs} * interval '1 millisecond'
  ) AS version_of_all, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`

export interface HeartbeatReply {
  /** The newest log version that all live processes read. */
  readonly versionOfAll: number
  /** The database's time, in milliseconds since the Unix epoch. */
  readonly now: number
}

/** Sends one heartbeat: renews the row of this process. */
export async function sendHeartbeat(
  client: Client,
  {
    id,
    times: { ttlMs, gapMs },
    reads,
  }: { readonly id: string; readonly times: HeartbeatTimes; readonly reads: number },
): Promise<HeartbeatReply> {
  const { rows } = await client.query(beat, [id, ttlMs, gapMs, reads])
  const [row] = rows
  return { versionOfAll: Math.min(reads, readInteger(row ?? {}, "version_of_all")), now: Number(row?.now) }
}
