import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import { randomIds } from "../../core/ids.ts"
import type { Delta } from "../../core/log/deltas.ts"
import type { DeltaEntry, Event, EventEntry, RunStarted, StepStarted } from "../../core/log/entries.ts"
import { logVersion } from "../../core/log/entries.ts"
import { computeFirstSequence } from "../../core/log/sequence.ts"
import type { PutRun } from "../../core/ports/store/inbox.ts"
import type {
  CancelCommand,
  CommitOutcome,
  Lease,
  MessageCommand,
  PutOutcome,
  SessionBatch,
  SessionLog,
} from "../../core/ports/store/session-log.ts"
import type { OptionalStorePart, Store, WholeStore } from "../../core/ports/store/store.ts"
import { noSpending } from "../../core/usage.ts"

export interface SessionLogHarness {
  /** Opens another process's membership on the same data. The store's clock must be the machine's. */
  open(): Promise<Store>
  /**
   * Ends a membership like a crash: its leases are not released. Resolves at once. Other members may see the death
   * later.
   */
  crash(store: Store): Promise<void>
  /** Optional parts that the store does not have. Cases about them pass without a test. Default: it has all. */
  readonly missing?: readonly OptionalStorePart[]
}

/** A case about optional parts of a store. */
export interface PartCase extends Omit<SessionLogCase, "run"> {
  run(harness: PartHarness): Promise<void>
}

export interface PartHarness extends Omit<SessionLogHarness, "open"> {
  open(): Promise<WholeStore>
}

/** Returns the cases for every store. A store that declares the part as missing passes them without a test. */
export function casesOf(part: OptionalStorePart, cases: readonly PartCase[]): readonly SessionLogCase[] {
  return cases.map(({ run, ...rest }) => ({
    ...rest,
    async run(harness) {
      if (harness.missing?.includes(part)) return
      await run({ ...harness, crash: (store) => harness.crash(store), open: () => openWhole(harness, part) })
    },
  }))
}

async function openWhole(harness: SessionLogHarness, part: OptionalStorePart): Promise<WholeStore> {
  const store = await harness.open()
  assert.ok(
    store[part] !== undefined,
    `The store has no part ${part}. Name it in the harness's list missing.`,
  )
  // A case uses no other optional part.
  return store as WholeStore
}

export interface SessionLogCase {
  /** Number of the rule in docs/architecture.md; null if the port itself states it. */
  readonly rule: number | null
  readonly name: string
  run(harness: SessionLogHarness): Promise<void>
}

/** Creates a session with its own agent, so that cases do not affect each other in `claimRunnable`. */
export async function openSession(
  log: SessionLog,
  options: { readonly agent?: string; readonly at?: number; readonly keepMs?: number } = {},
): Promise<string> {
  const { agent = createAgentName(), at: createdAt = 1_000, keepMs } = options
  const id = randomIds.next("sess")
  const session = { id, tenant: "tenant", userId: "user", agent, createdAt }
  await log.createSession({ ...session, ...(keepMs !== undefined && { keepMs }) })
  return id
}

/** Returns a name. The fixed part keeps it readable, and the random part is unique on shared data. */
export function createAgentName(): string {
  return `agent_${randomIds.next("key")}`
}

export function createMessage(sessionId: string, options: Partial<MessageCommand> = {}): MessageCommand {
  return {
    type: "message",
    sessionId,
    runId: randomIds.next("run"),
    at: 2_000,
    input: { type: "message", content: [{ type: "text", text: "Hello" }] },
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    idempotency: null,
    ...options,
  }
}

export function cancel(sessionId: string, runId: string | null = null): CancelCommand {
  return { type: "cancel", sessionId, runId, at: 3_000 }
}

/** Returns the outcome of a put that must be accepted. */
export function requireAcceptedPut(outcome: PutOutcome): PutRun {
  if (outcome.status !== "accepted") throw new Error(`The command was not accepted: ${outcome.status}.`)
  return outcome
}

/** Returns a session, new by default, with an open run whose message is consumed, under a lease. */
export async function startSession(
  log: SessionLog,
  options: { readonly agent?: string; readonly sessionId?: string; readonly steerable?: boolean } = {},
): Promise<{ sessionId: string; agent: string; runId: string; lease: Lease }> {
  const { agent = createAgentName(), steerable = true } = options
  const sessionId = options.sessionId ?? (await openSession(log, { agent }))
  const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
  const lease = await claimSession(log, sessionId)
  await openRun(log, lease, { steerable })
  return { sessionId, agent, runId, lease }
}

/** Opens the next queued run, without any entries. Returns its id. */
export async function openRun(
  log: SessionLog,
  lease: Lease,
  { steerable = true, cursor = 0 }: { readonly steerable?: boolean; readonly cursor?: number } = {},
): Promise<string> {
  const next = (await log.pending(lease)).find(({ type }) => type === "message")
  if (next === undefined) throw new Error("No run is due.")
  const { id, runId } = next
  await commitOk(log, {
    lease,
    entries: [],
    commandsConsumed: [id],
    runOpened: { runId, cursor, steerable },
  })
  return runId
}

export async function claimSession(log: SessionLog, sessionId: string): Promise<Lease> {
  const lease = await tryClaim(log, sessionId)
  if (lease === null) throw new Error("The session could not be claimed.")
  return lease
}

/** Claims like a process that serves the session's agent. */
export async function tryClaim(log: SessionLog, sessionId: string): Promise<Lease | null> {
  const session = await log.session(sessionId)
  if (session === null) throw new Error("There is no such session.")
  return log.claim(sessionId, [session.agent])
}

export async function commitOk(log: SessionLog, batch: SessionBatch): Promise<void> {
  const outcome = await commitBatch(log, batch)
  if (outcome !== "ok") throw new Error(`The commit was refused: ${outcome}.`)
}

/** Commits the batch again while another transaction works on its session. */
export async function commitBatch(
  log: SessionLog,
  batch: SessionBatch,
): Promise<Exclude<CommitOutcome, "busy">> {
  return waitFor("the session's row", async () => {
    const [outcome] = await log.commit([batch])
    if (outcome === undefined) throw new Error("The commit had no outcome.")
    return outcome === "busy" ? null : outcome
  })
}

/** Returns the sequence number of the lease's `n`th entry, counted from 1. */
export function toSeq(lease: Lease, n: number): number {
  return computeFirstSequence(lease.epoch) + n - 1
}

export function createEvent(
  seq: number,
  runId: string,
  event: Event,
  options: Partial<EventEntry> = {},
): EventEntry {
  return { kind: "event", seq, v: logVersion, at: 4_000, runId, event, ...options }
}

export function createTextDelta(seq: number, runId: string, text: string, stepId = "step_1"): DeltaEntry {
  const delta: Delta = { type: "textDelta", stepId, messageId: "msg_1", part: 0, text }
  return { kind: "delta", seq, runId, delta }
}

export const stepStarted: StepStarted = { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 }
export const runStarted: RunStarted = {
  type: "runStarted",
  agent: "agent",
  revision: "1",
  content: [{ type: "text", text: "Hello" }],
  context: {},
  channel: null,
  model: null,
  outputSchema: null,
}
export const stepCompleted: Event = { type: "stepCompleted", stepId: "step_1", step: 1, ...noSpending }
export const runFailed: Event = { type: "runFailed", code: "internal", message: "Failed.", ...noSpending }

/** Milliseconds to wait for a condition, so long because a busy machine may stall. */
const patienceMs = 120_000

/** Waits for a change by another process, or by the clock of the store. */
export async function waitFor<T extends NonNullable<unknown>>(
  what: string,
  look: () => Promise<T | null>,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (performance.now() > deadline) throw new Error(`Waited too long for ${what}.`)
    await delay(10)
  }
}

/** Returns the next yield. Throws if none comes in time. */
export async function readNext<T>(iterator: AsyncIterator<T>, what: string): Promise<IteratorResult<T>> {
  const giveUp = new AbortController()
  const late = delay(patienceMs, null, { signal: giveUp.signal })
  try {
    const result = await Promise.race([iterator.next(), late])
    if (result === null) throw new Error(`Waited too long for ${what}.`)
    return result
  } finally {
    giveUp.abort()
    await late.catch(() => "stopped because it was in time")
  }
}
