import { systemClock } from "../core/clock.ts"
import { createLogger } from "../telemetry/logger.ts"
import { chooseExistingStore, defaultStore } from "./open-store.ts"
import { createOutbox, type GatewayOutbox } from "./outbox.ts"

export interface OpenedOutbox extends GatewayOutbox {
  close(): Promise<void>
}

/** Opens the outbox of a store, with or without a server running on it. A running server delivers retried rows within a second. */
export async function openOutbox(store: string = defaultStore): Promise<OpenedOutbox> {
  const logger = createLogger({ level: "warn" })
  const { outbox, close } = await chooseExistingStore(store, { clock: systemClock, logger })
  return { ...createOutbox(async () => outbox), close }
}
