import type { Ids } from "../../core/ids.ts"
import type { Event } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { Answers } from "../../core/ports/run/answers.ts"
import type { Hold } from "../../core/ports/run/hold.ts"
import type { Journal, JournalEffects } from "../../core/ports/run/journal.ts"
import type { Steering } from "../../core/ports/run/steering.ts"
import type { SessionParent } from "../../core/ports/store/session-log.ts"
import type { Traces } from "../../core/ports/traces.ts"
import type { ItemsAtEnd } from "../../core/runs/run-end.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { ModelRuntime, RunnerRuntime } from "./agent-runtime.ts"
import { deriveTreeEffects, listEndedTimeLimits } from "./children/tree-effects.ts"
import type { Conversation } from "./conversation.ts"
import type { AttemptClock } from "./observing/attempt-clock.ts"
import { observeEvent } from "./observing/observe-event.ts"
import { collectEndItems } from "./run-end-outbox.ts"

/** The parts that execute a run during one lease. `signal` aborts with the reason why the execution must stop. */
export interface RunContext {
  readonly sessionId: string
  /** The root of the session's tree. Its own id if the session has no parent. */
  readonly rootSessionId: string
  readonly tree: TreePlace
  readonly tenant: string
  readonly userId: string
  readonly agent: string
  readonly conversation: Conversation
  readonly journal: Journal
  readonly answers: Answers
  /** Answers that are being logged, by call. Each promise resolves when the answer is durable. */
  readonly acting: Map<string, Promise<void>>
  readonly steering: Steering
  readonly hold: Hold
  /**
   * If true, the previous process released the session in an orderly way, so its unfinished work does not count as a
   * crash.
   */
  readonly stoppedInOrder: boolean
  readonly signal: AbortSignal
  readonly observers: Partial<Observer>
  readonly attempts: AttemptClock
  readonly traces: Traces
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

/** A session's place in its tree, and the data that the run needs to start sessions below it. */
export interface TreePlace {
  /** The call that started the session. Null for a root. */
  readonly parent: SessionParent | null
  /** Number of sessions above it. */
  readonly depth: number
  /** Names of the agents that this gateway serves. */
  readonly agents: readonly string[]
  /** Resolves to true if the sessions of the principal store too much to start another one. */
  readonly isStorageFull: () => Promise<boolean>
  /** Starts each work after the previous one has settled. */
  readonly oneByOne: <T>(work: () => Promise<T>) => Promise<T>
}

export interface ModelRunContext extends RunContext {
  readonly runtime: ModelRuntime
  /** Pauses the time limit of the step until the promise has settled. Absent without such a limit. */
  readonly pauseStepLimit?: <Value>(work: Promise<Value>) => Promise<Value>
}

export interface RunnerRunContext extends RunContext {
  readonly runtime: RunnerRuntime
}

/** The parts that settle a call, in either kind of loop. */
export interface SettlingContext extends RunContext {
  readonly runtime: Pick<
    ModelRuntime,
    "itemsAtEnd" | "maxToolResultBytes" | "transformToolResults" | "callbackTimeoutMs"
  >
}

/** Appends the events to the log. Once they are durable, calls the observers and updates the conversation. */
export async function record(
  context: RunContext & { readonly runtime: { readonly itemsAtEnd?: ItemsAtEnd } },
  events: readonly Event[],
  effects: JournalEffects = {},
): Promise<void> {
  const outbox = [
    ...(effects.outbox ?? []),
    ...deriveTreeEffects(context, events),
    ...collectEndItems(context, events),
  ]
  const dropItems = [...(effects.dropItems ?? []), ...listEndedTimeLimits(context, events)]
  for (const entry of await context.journal.append(events, { ...effects, outbox, dropItems })) {
    observeEvent(context, entry)
    context.conversation.apply(entry)
  }
}
