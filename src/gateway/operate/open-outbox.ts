import { defaultStore } from "../../adapters/stores/options.ts"
import { openExistingStore } from "./open-existing-store.ts"
import { createOutbox, type GatewayOutbox } from "./outbox.ts"

export interface OpenedOutbox extends GatewayOutbox {
  close(): Promise<void>
}

/**
 * Opens the outbox of a store, even while a server runs on it. A running server delivers retried rows within a
 * second.
 */
export async function openOutbox(store: string = defaultStore): Promise<OpenedOutbox> {
  const { outbox, close } = await openExistingStore(store)
  return { ...createOutbox(async () => outbox), close }
}
