import { setImmediate as nextTurn } from "node:timers/promises"
import type { RunnerEvent, RunnerToolCall } from "../../../../core/runs/runner.ts"
import { rejectOnAbort } from "../../../../core/time/reject-on-abort.ts"
import type { JudgeCall, JudgedCall } from "../calls/approval-policy.ts"
import type { CallGate, SdkCall } from "../calls/call-gate.ts"
import type { SdkProcess } from "../process/sdk-process.ts"
import type { Mailbox } from "./mailbox.ts"
import { createMessageReader, type QueryEnd, type Step } from "./message-reader.ts"
import { addSpending, type RunSpending } from "./run-limits.ts"

/** Maximum characters of a call's id. Ids of the Messages API have about 30. */
const maxIdLength = 200
/** Maximum milliseconds for Claude Code to end after its last result. */
const endWithinMs = 10_000

const askAlone =
  "A person must allow this call. It was not executed. Make it again, as the only call of your message."
const askNested =
  "A person must allow this call, and a sub-agent cannot ask. It was not executed. Return, and let the main " +
  "agent make it."

type RunnerToolResult = Extract<RunnerEvent, { type: "toolResult" }>

interface QueryRun {
  readonly messages: AsyncIterable<object>
  readonly gate: CallGate
  readonly judge: JudgeCall
  readonly mailbox: Mailbox
  readonly process: SdkProcess
  readonly priceList: string
  readonly signal: AbortSignal
  /** Ids of calls that are open in the log and may receive a result. */
  readonly openCalls: ReadonlySet<string>
  /** Returns true if Claude Code continues after this result. */
  readonly continues: (end: QueryEnd) => boolean
  /** Ends the input of Claude Code. */
  readonly finish: () => void
}

/** The end of a query, with the call that a person must allow before the next query. */
export interface QueryOutcome {
  readonly end: QueryEnd | null
  readonly asked: AskedCall | null
  readonly spent: RunSpending
}

export interface AskedCall {
  /** The call with the SDK's name of the tool, which the resumed session uses again. */
  readonly call: SdkCall
  /** The call as the gateway shows it. */
  readonly shown: RunnerToolCall
}

/**
 * Yields a query's messages and its tools' results as events, until the query ends. Reads output of the process only
 * after all earlier output was yielded, so that unread output stays in the pipe instead of in memory.
 */
export async function* runQuery(run: QueryRun): AsyncGenerator<RunnerEvent, QueryOutcome> {
  const { gate, mailbox, process, signal } = run
  const reader = createMessageReader(run.priceList)
  const messages = run.messages[Symbol.asyncIterator]()
  const openCalls = new Set(run.openCalls)
  const reported = new Set(run.openCalls)
  /**
   * Ids of calls whose message is not complete. Claude Code may refuse a call of an unknown tool before its message
   * is complete.
   */
  const unreported = new Set<string>()
  const early = new Map<string, RunnerToolResult>()
  const asking = new Map<string, RunnerToolCall>()
  let end: QueryEnd | null = null
  let spent: RunSpending = { turns: 0, costUsd: 0 }

  /** Returns the calls with new ids, and denies the others. */
  function selectNewCalls(calls: readonly SdkCall[]): readonly SdkCall[] {
    return calls.filter(({ id }) => {
      unreported.delete(id)
      const isNew = id.length <= maxIdLength && !reported.has(id)
      if (isNew) reported.add(id)
      else
        gate.decide(id, {
          type: "deny",
          message: "This call was not executed, because its id was used before.",
        })
      return isNew
    })
  }

  /** Yields a call, or keeps it until the end of the query if a person must be asked about it. */
  async function* reportCall(call: SdkCall, judged: JudgedCall, refusalToAsk: string | null) {
    const { approval, ...plain } = judged.shown
    if (judged.refusal === null && approval !== undefined && refusalToAsk === null) {
      asking.set(call.id, judged.shown)
      gate.decide(call.id, { type: "defer" })
      return
    }
    yield plain
    const result = early.get(call.id)
    early.delete(call.id)
    if (result === undefined) openCalls.add(call.id)
    else yield result
    const message = judged.refusal ?? (approval === undefined ? null : refusalToAsk)
    gate.decide(call.id, message === null ? { type: "allow" } : { type: "deny", message })
  }

  async function* take(step: Step): AsyncGenerator<RunnerEvent> {
    switch (step.type) {
      case "event":
        if (step.event.type !== "toolResult") yield step.event
        else if (openCalls.delete(step.event.id)) yield addDenial(step.event)
        else if (unreported.has(step.event.id)) early.set(step.event.id, step.event)
        return
      case "seen":
        unreported.add(step.call.id)
        return gate.see(step.call)
      case "calls": {
        const calls = selectNewCalls(step.calls)
        const judged = await Promise.all(calls.map(run.judge))
        const refusal = step.nested ? askNested : step.calls.length > 1 ? askAlone : null
        for (const [index, call] of calls.entries()) {
          const verdict = judged[index]
          if (verdict !== undefined) yield* reportCall(call, verdict, refusal)
        }
        return
      }
      case "discarded":
        for (const { id } of step.calls) {
          gate.decide(id, { type: "deny", message: "The message with this call was discarded." })
        }
        return
      case "result":
        end = step.result
        spent = addSpending(spent, step.result)
        return
      default:
        step satisfies never
    }
  }

  function addDenial(event: RunnerToolResult): RunnerToolResult {
    const message = gate.denialOf(event.id)
    return message === null ? event : { ...event, result: { type: "error", code: "denied", message } }
  }

  async function* takeLetters(): AsyncGenerator<RunnerEvent> {
    for (let letter = mailbox.take(); letter !== undefined; letter = mailbox.take()) {
      const { event } = letter
      if (event.type !== "toolResult" || openCalls.delete(event.id)) yield event
      letter.taken()
    }
  }

  let next = readNextMessage(messages)
  for (;;) {
    signal.throwIfAborted()
    yield* takeLetters()
    const read = await Promise.race([next, nextTurn(null)])
    if (read === null) {
      for (const step of reader.flush()) yield* take(step)
      gate.setIdle(true)
      process.flow()
      await rejectOnAbort(signal, Promise.race([next, mailbox.posted]))
      process.hold()
      gate.setIdle(false)
      continue
    }
    if (read.done === true) break
    next = readNextMessage(messages)
    for (const step of reader.read(read.value)) yield* take(step)
    if (end !== null && !run.continues(end)) break
    end = null
  }
  gate.close()
  for (const step of reader.discardOpen()) yield* take(step)
  yield* takeLetters()
  run.finish()
  if (end !== null) await waitUntilEnded(next, messages, process)
  const call = gate.deferred
  const shown = call === null ? undefined : asking.get(call.id)
  return { end, spent, asked: call === null || shown === undefined ? null : { call, shown } }
}

function readNextMessage(messages: AsyncIterator<object>): Promise<IteratorResult<object>> {
  const next = messages.next()
  // The promise may reject after the run has ended.
  next.catch(() => undefined)
  return next
}

/** Waits until Claude Code has written its whole transcript. Its further output is not part of the run. */
async function waitUntilEnded(
  first: Promise<IteratorResult<object>>,
  messages: AsyncIterator<object>,
  process: SdkProcess,
): Promise<void> {
  process.flow()
  const timeout = AbortSignal.timeout(endWithinMs)
  const { promise: tooLate, resolve } = Promise.withResolvers<null>()
  timeout.addEventListener("abort", () => resolve(null), { once: true })
  let next = first
  for (;;) {
    const read = await Promise.race([next.catch(() => null), tooLate])
    if (read === null || read.done === true) return
    next = readNextMessage(messages)
  }
}
