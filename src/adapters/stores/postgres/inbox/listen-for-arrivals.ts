import type { Logger } from "../../../../core/ports/logger.ts"
import {
  holdConnection,
  type StandingConnection,
  type StandingConnectionOptions,
} from "../database/standing-connection.ts"

/** The channel that announces sessions with a new command. */
export const arrivalsChannel = "agent_gateway_arrivals"

/** Milliseconds after which a silent connection is noticed. Until then the workers find the work by their sweep. */
const checkMs = 5_000

/** Calls `onArrival` with each announced session, on a separate connection. */
export function listenForArrivals(options: {
  readonly connect: StandingConnectionOptions["connect"]
  readonly onArrival: (sessionId: string) => void
  readonly logger: Logger
}): Promise<StandingConnection> {
  const { connect, onArrival, logger } = options
  return holdConnection({
    connect,
    async begin(client) {
      client.on("notification", ({ payload }) => onArrival(payload ?? ""))
      await client.query(`LISTEN ${arrivalsChannel}`)
    },
    tick: async (client) => void (await client.query("SELECT")),
    everyMs: checkMs,
    job: "arrivals",
    logger,
  })
}
