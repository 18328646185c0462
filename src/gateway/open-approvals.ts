import { systemClock } from "../core/clock.ts"
import { createDecisions } from "../sessions/decisions.ts"
import { createLogger } from "../telemetry/logger.ts"
import { createApprovals, type GatewayApprovals } from "./approvals.ts"
import { chooseStore, type StoreChoice } from "./open-store.ts"

export interface OpenedApprovals extends GatewayApprovals {
  close(): Promise<void>
}

/**
 * The approvals of a store, with or without a server running on it: a running one acts on an answer at once, another
 * at its next start.
 */
export async function openApprovals(choice: StoreChoice): Promise<OpenedApprovals> {
  const logger = createLogger({ level: "warn" })
  const clock = systemClock
  const { log, approvals, close } = await chooseStore(choice, { clock, logger })
  const decisions = createDecisions({ log, approvals, clock, onAnswered: () => Promise.resolve() })
  return { ...createApprovals(decisions, "cli"), close }
}
