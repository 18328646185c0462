import type { JsonObject } from "../../core/json/json.ts"
import { type EventEntry, isTerminal } from "../../core/log/entries.ts"
import { toEventId } from "../../core/log/event-id.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { EventPage, Subscriber, SubscriberContext } from "../../core/ports/store/subscriptions.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import {
  createRunUsageReport,
  createToolReport,
  createToolTiming,
  createUsageReport,
} from "../../kernel/agent/reports.ts"
import type { HookOptions, Hooks } from "./hooks.ts"
import { warnOfIgnoredBlocks } from "./ignored-result.ts"

/** Maximum attempts for one event, within an hour. After that, the hook is not called for it again. */
const maxAttempts = 15
/** Milliseconds after which a page is left to the next claim, so that a slow hook does not outlast its claim. */
const pageMs = 2_000
/** Additional milliseconds for reading the log. */
const marginMs = 3_000
const readLimits = { limit: 100, maxCharacters: 100_000, deltas: false, replacedHistories: false }

export interface HookSubscriberOptions {
  readonly log: SessionLog
  /** Maximum milliseconds of one call of a hook. */
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

/** Calls the hook for the event. Returns null if the hook does not receive such events. */
type Invoke = (entry: EventEntry, page: EventPage) => Promise<Call | null> | Call | null
type Call = (options: HookOptions) => void | Promise<void>

/** Makes each hook a separate subscriber, so that a failing hook delays no other. */
export function createHookSubscribers(hooks: Hooks, options: HookSubscriberOptions): readonly Subscriber[] {
  const { onUsage, onRunUsage, onToolResult, onToolTiming, onEvent } = hooks
  const subscribers: Subscriber[] = []
  const add = (name: keyof Hooks, invoke: Invoke) =>
    subscribers.push(createHookSubscriber(name, invoke, options))
  if (onUsage)
    add("onUsage", (entry, { sessionId }) => prepareCall(onUsage, createUsageReport(entry, sessionId)))
  if (onRunUsage) {
    add("onRunUsage", async (entry, { sessionId }) => {
      if (!isTerminal(entry.event)) return null
      const turns = await countTurns(entry, sessionId, options.log)
      return prepareCall(onRunUsage, createRunUsageReport(entry, sessionId, turns))
    })
  }
  if (onToolTiming)
    add("onToolTiming", (entry, { sessionId }) =>
      prepareCall(onToolTiming, createToolTiming(entry, sessionId)),
    )
  if (onToolResult) {
    const hook = warnOfIgnoredBlocks(onToolResult, options.logger)
    add("onToolResult", async (entry, page) => {
      if (entry.event.type !== "toolCallCompleted") return null
      const input = await findInput(entry.event.toolCallId, { entry, page, log: options.log })
      return prepareCall(hook, createToolReport(entry, page.sessionId, input))
    })
  }
  if (onEvent) {
    add("onEvent", (entry, { sessionId }) => (given) => {
      return onEvent(entry, { ...given, sessionId, id: toEventId(sessionId, entry.seq) })
    })
  }
  return subscribers
}

function prepareCall<Report>(
  hook: (report: Report, options: HookOptions) => void | Promise<void>,
  report: Report | null,
): Call | null {
  return report === null ? null : (options) => hook(report, options)
}

function createHookSubscriber(
  hook: keyof Hooks,
  invoke: Invoke,
  { callbackTimeoutMs, logger }: HookSubscriberOptions,
): Subscriber {
  async function callFor(entry: EventEntry, page: EventPage, signal: AbortSignal): Promise<void> {
    const call = await invoke(entry, page)
    if (call === null) return
    const bounds = { name: hook, signal, timeoutMs: callbackTimeoutMs }
    await callBounded(async (stop) => call({ signal: stop }), bounds)
  }
  return {
    name: `hook:${hook}`,
    timeoutMs: pageMs + callbackTimeoutMs + marginMs,
    async onEvents(page: EventPage, { signal, attempt, handled }: SubscriberContext) {
      const ends = performance.now() + pageMs
      for (const [index, entry] of page.entries.entries()) {
        if (index > 0 && performance.now() > ends) return
        try {
          await callFor(entry, page, signal)
        } catch (error) {
          const isLast = index === 0 && attempt >= maxAttempts
          if (!isLast || signal.aborted) throw error
          logger.error(
            { error, hook, sessionId: page.sessionId, seq: entry.seq, attempts: attempt },
            "A hook failed too often for the same event. The gateway does not call it for this event again.",
          )
        }
        handled(entry.seq)
      }
    },
    // The caller logs the gap. A hook cannot receive it.
    onGap: () => undefined,
  }
}

/** Returns the number of turns that the ended run started, from the start of its last turn. */
async function countTurns(end: EventEntry, sessionId: string, log: SessionLog): Promise<number> {
  const start = await log.stepStart(sessionId, end.seq)
  if (start === 0) return 0
  const [entry] = await log.read(sessionId, { ...readLimits, afterSeq: start - 1, limit: 1 })
  const isOfRun = entry?.kind === "event" && entry.event.type === "stepStarted" && entry.runId === end.runId
  return isOfRun ? entry.event.step : 0
}

interface CallPlace {
  readonly entry: EventEntry
  readonly page: EventPage
  readonly log: SessionLog
}

/** Returns the input of a finished call from the page, or from earlier events of its step. */
async function findInput(toolCallId: string, { entry, page, log }: CallPlace): Promise<JsonObject> {
  const known = findRequestedInput(page.entries, toolCallId)
  if (known !== undefined) return known
  let afterSeq = (await log.stepStart(page.sessionId, entry.seq)) - 1
  while (afterSeq < entry.seq) {
    const entries = await log.read(page.sessionId, { ...readLimits, afterSeq })
    const found = findRequestedInput(
      entries.filter((each) => each.kind === "event"),
      toolCallId,
    )
    if (found !== undefined) return found
    const last = entries.at(-1)
    if (last === undefined) break
    afterSeq = last.seq
  }
  return {}
}

function findRequestedInput(entries: readonly EventEntry[], toolCallId: string): JsonObject | undefined {
  for (const { event } of entries) {
    if (event.type === "toolCallRequested" && event.toolCallId === toolCallId) return event.input
  }
  return undefined
}
