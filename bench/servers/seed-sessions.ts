import { createLogger } from "ai-agent-gateway"
import type { Event, EventEntry } from "../../src/core/log/entries.ts"
import type { SessionLog } from "../../src/core/ports/store/session-log.ts"

/** The package does not export this function, so it is imported from the build. */
const { openSqliteStore }: typeof import("../../src/adapters/stores/sqlite/open.ts") = await import(
  new URL("../../dist/sqlite-store.js", import.meta.url).href
)

export interface SeedRequest {
  readonly sessionIds: readonly string[]
  readonly turns: number
  /** Number of turns at the end that the summary does not replace. Default: there is no summary. */
  readonly keptTurns?: number
}

const question = "Please tell me a little more about the thing that we have just spoken of. "
const answer = "This is a sentence of an answer that is neither short nor long, as they are. ".repeat(9)
const turnsOfCommit = 100
const usage = { inputTokens: 10, outputTokens: 20, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const spending = { usage, cost: 0 }

/** Writes turns into empty sessions, as another process would. */
export async function seedSessions(path: string, request: SeedRequest): Promise<void> {
  const logger = createLogger({ level: "error" })
  const store = await openSqliteStore({ path, clock: { now: () => Date.now() }, logger })
  for (const sessionId of request.sessionIds) await seed(store.log, sessionId, request)
  await store.close()
}

async function seed(log: SessionLog, sessionId: string, { turns, keptTurns }: SeedRequest): Promise<void> {
  const session = await log.session(sessionId)
  const lease = session === null ? null : await log.claim(sessionId, [session.agent])
  if (lease === null) throw new Error(`Session ${sessionId} could not be claimed.`)
  let seq = lease.epoch * 1_000_000_000
  let entries: EventEntry[] = []
  for (let turn = 1; turn <= turns; turn++) {
    const runId = `${sessionId}_${turn}`
    const from = seq + 1
    const isCut = turns - turn + 1 === keptTurns
    for (const event of eventsOf(turn, isCut ? from : null)) {
      entries.push({ kind: "event", seq: ++seq, v: 3, at: Date.now(), runId, event })
    }
    if (turn % turnsOfCommit !== 0 && turn !== turns) continue
    const [outcome] = await log.commit([{ lease, entries }])
    if (outcome !== "ok") throw new Error(`Session ${sessionId} was not stored: ${outcome}.`)
    entries = []
  }
  await log.release(lease, { force: true })
}

/** Returns the events of a turn. With `keptFromSeq`, a summary of the events before it precedes the step. */
function eventsOf(turn: number, keptFromSeq: number | null): readonly Event[] {
  const [stepId, messageId] = [`step_${turn}`, `msg_${turn}`]
  const content = [{ type: "text", text: `${turn}: ${question}` } as const]
  const step = { stepId, step: 1 }
  const model = "claude-bench"
  return [
    {
      type: "runStarted",
      agent: "agent",
      revision: "000000000000",
      content,
      context: {},
      channel: null,
      model: null,
      outputSchema: null,
    },
    ...(keptFromSeq === null ? [] : [compacted(keptFromSeq)]),
    { type: "stepStarted", messageId, ...step },
    {
      type: "messageCompleted",
      stepId,
      messageId,
      message: { role: "assistant", content: [{ type: "text", text: `${turn}: ${answer}` }] },
      model,
      ...spending,
      charged: 0,
      estimated: false,
      stopReason: "end",
      streamedFrom: null,
    },
    { type: "stepCompleted", ...step, ...spending },
    { type: "runCompleted", disposition: "completed", reason: null, ...spending },
  ]
}

function compacted(keptFromSeq: number): Event {
  return {
    type: "historyCompacted",
    compactionId: "compaction_bench",
    summary: "They spoke of a thing.",
    notes: [],
    keptFromSeq,
    keptFromIndex: 0,
    fingerprint: { role: null, units: 0, text: [0, 0], images: [0, 0] },
    tokensBefore: 1,
    tokensAfter: 1,
    model: "claude-bench",
    ...spending,
    spent: spending,
    charged: 0,
    estimated: false,
  }
}
