import { systemClock } from "../core/clock.ts"
import { createDecisions } from "../sessions/decisions.ts"
import { createLogger } from "../telemetry/logger.ts"
import { createSchemaChecker } from "../tools/schema-check/schema-checker.ts"
import { createApprovals, type GatewayApprovals } from "./approvals.ts"
import { chooseExistingStore, defaultStore } from "./open-store.ts"

export interface OpenedApprovals extends GatewayApprovals {
  close(): Promise<void>
}

/**
 * The approvals of a store, with or without a server running on it: a running one acts on an answer at once, another
 * at its next start. Rejects with a `ConfigurationError` where no gateway has stored anything: nobody looks for open
 * questions in a store that is made on the spot.
 */
export async function openApprovals(store: string = defaultStore): Promise<OpenedApprovals> {
  const logger = createLogger({ level: "warn" })
  const clock = systemClock
  const { log, approvals, close } = await chooseExistingStore(store, { clock, logger })
  const schemas = createSchemaChecker()
  const decisions = createDecisions({
    log,
    approvals,
    checkSchema: schemas.check,
    clock,
    onAnswered: () => Promise.resolve(),
  })
  return {
    ...createApprovals(decisions, "cli"),
    async close() {
      await schemas.close()
      await close()
    },
  }
}
