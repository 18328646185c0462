import { defaultStore } from "../../adapters/stores/options.ts"
import type { Memory } from "../../core/ports/store/memory.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { openExistingStore } from "./open-existing-store.ts"

export interface OpenedMemory {
  readonly memory: Memory
  close(): Promise<void>
}

/** Opens the memories of a store, even while a server runs on it. */
export async function openMemory(store: string = defaultStore): Promise<OpenedMemory> {
  const { memory, close } = await openExistingStore(store)
  return { memory: requireStorePart(memory, "memory", "openMemory"), close }
}
