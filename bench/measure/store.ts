import { startChild } from "../child.ts"
import { median } from "../statistics.ts"
import { withChildren } from "./processes.ts"

/** Microseconds of one commit on SQLite with the default durability. */
export interface StoreResult {
  /** A commit of one event of one session. */
  readonly event: number
  /** A commit of a row of ten deltas for each of fifty sessions, as fifty fast streams create in 50 ms. */
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
