import { defaultStore } from "../../adapters/stores/options.ts"
import { openExistingStore } from "./open-existing-store.ts"
import { createGatewaySessions, type GatewaySessions } from "./sessions.ts"

export interface OpenedSessions extends GatewaySessions {
  close(): Promise<void>
}

/** Opens the sessions of a store, even while a server runs on it. */
export async function openSessions(store: string = defaultStore): Promise<OpenedSessions> {
  const { directory, close } = await openExistingStore(store)
  return { ...createGatewaySessions(async () => directory), close }
}
