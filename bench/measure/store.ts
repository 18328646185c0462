import { startChild } from "../child.ts"
import { median } from "../statistics.ts"
import { withChildren } from "./processes.ts"

/** Microseconds of one commit on SQLite, at the default durability. */
export interface StoreResult {
  /** One session, one event. */
  readonly event: number
  /** Fifty sessions, a row of ten deltas each: what 50 ms of fifty fast streams leave behind. */
  readonly deltas: number
}

export function measureStore({
  repeats,
  commits,
}: {
  readonly repeats: number
  readonly commits: number
}): Promise<StoreResult> {
  return withChildren(async (own) => {
    const store = await own(startChild("./servers/store.ts"))
    await store.ask("commits", { commits })
    const taken: StoreResult[] = []
    for (let repeat = 0; repeat < repeats; repeat++) taken.push(await store.ask("commits", { commits }))
    return {
      event: median(taken.map(({ event }) => event)),
      deltas: median(taken.map(({ deltas }) => deltas)),
    }
  })
}
