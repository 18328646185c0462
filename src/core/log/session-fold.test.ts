import { expect, it } from "vitest"
import { noSpending } from "../usage.ts"
import { type Event, type EventEntry, logVersion, type RunStarted } from "./entries.ts"
import { createSessionFold } from "./session-fold.ts"

const { signal } = new AbortController()
const plain: RunStarted = {
  ...{ type: "runStarted", agent: "agent", revision: "1", content: [], context: {} },
  ...{ channel: null, model: null, outputSchema: null },
}
const call: RunStarted = { ...plain, call: { tool: "look", input: {}, origin: { type: "code" } } }
const end: Event = { type: "runCompleted", disposition: "completed", reason: null, ...noSpending }
const replaced: Event = { type: "historyReplaced", messages: [] }
const data: Event = { type: "dataEmitted", toolCallId: "call_1", name: "progress", value: 1 }

function createLog(...events: readonly (readonly [string | null, Event])[]): EventEntry[] {
  return events.map(([runId, event], index) => {
    return { kind: "event", seq: index + 1, v: logVersion, at: 0, runId, event }
  })
}

/** Returns a fold that lists the numbers of the entries that it applies. */
function createFold(log: readonly EventEntry[]) {
  const read = async (_id: string, afterSeq: number) => log.filter(({ seq }) => seq > afterSeq).slice(0, 2)
  return createSessionFold<readonly number[]>(read, [], (seqs, { seq }) => [...seqs, seq])
}

it("leaves out calls without a model, and nothing else", async () => {
  const withdrawn: Event = { type: "runWithdrawn", withdrawnRunId: "run_9" }
  const log = createLog(
    ...([["run_1", plain] as const, ["run_1", end] as const] as const),
    ...([["run_2", call] as const, ["run_2", data] as const, [null, withdrawn] as const] as const),
    ...([["run_2", data] as const, ["run_2", end] as const] as const),
    ...([["run_3", replaced] as const, ["run_3", plain] as const, ["run_3", data] as const] as const),
  )
  expect(await createFold(log)("sess_1", { signal })).toEqual([1, 2, 5, 8, 9, 10])
})

it("knows at the next call that the open run is a call", async () => {
  const log = createLog(["run_1", call])
  const fold = createFold(log)
  expect(await fold("sess_1", { signal })).toEqual([])
  log.push(...createLog(["run_1", call], ["run_1", data], ["run_1", end], [null, data]).slice(1))
  expect(await fold("sess_1", { signal })).toEqual([4])
  expect(await fold("sess_1", { signal, upToSeq: 2 })).toEqual([])
})
