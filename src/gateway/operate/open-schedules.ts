import { defaultStore } from "../../adapters/stores/options.ts"
import { randomIds } from "../../core/ids.ts"
import { openExistingStore } from "./open-existing-store.ts"
import { createGatewaySchedules, type GatewaySchedules, selectScheduleParts } from "./schedules.ts"

export interface OpenedSchedules extends GatewaySchedules {
  close(): Promise<void>
}

/**
 * Opens the schedules of a store, even while a server runs on it. A running server notices a change within a second.
 */
export async function openSchedules(store: string = defaultStore): Promise<OpenedSchedules> {
  const opened = await openExistingStore(store)
  const parts = selectScheduleParts(opened, randomIds)
  return { ...createGatewaySchedules(async () => parts), close: () => opened.close() }
}
