import { defaultStore } from "../../adapters/stores/options.ts"
import { systemClock } from "../../core/time/clock.ts"
import { createDecisions } from "../../kernel/sessions/answering/decisions.ts"
import { createSchemaChecker } from "../../kernel/tools/schema-check/schema-checker.ts"
import { openExistingStore } from "./open-existing-store.ts"
import { createWaits, type GatewayWaits } from "./waits.ts"

export interface OpenedApprovals extends GatewayWaits {
  close(): Promise<void>
}

/**
 * Opens the approvals of a store, even while a server runs on it. A running server acts on an answer at once.
 * Otherwise the next start does.
 */
export async function openApprovals(store: string = defaultStore): Promise<OpenedApprovals> {
  const { log, approvals, clock = systemClock, close } = await openExistingStore(store)
  const schemas = createSchemaChecker()
  const decisions = createDecisions({
    log,
    approvals,
    checkSchema: schemas.check,
    clock,
    onAnswered: () => Promise.resolve(),
  })
  return {
    ...createWaits(decisions, "cli"),
    async close() {
      await schemas.close()
      await close()
    },
  }
}
