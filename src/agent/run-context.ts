import type { Ids } from "../core/ids.ts"
import type { Event } from "../core/log/entries.ts"
import type { Answers } from "../core/ports/answers.ts"
import type { Hold } from "../core/ports/hold.ts"
import type { Journal, JournalEffects } from "../core/ports/journal.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { SessionParent } from "../core/ports/session-log.ts"
import type { Steering } from "../core/ports/steering.ts"
import type { ItemsAtEnd } from "../core/run-end.ts"
import type { RunHooks } from "../core/run-hooks.ts"
import type { Clock } from "../core/time/clock.ts"
import type { ModelRuntime, RunnerRuntime } from "./agent-runtime.ts"
import { treeEffects } from "./children/tree-effects.ts"
import type { Conversation } from "./conversation.ts"
import { endItems } from "./end-items.ts"
import { notifyHooks } from "./hooks.ts"
import { logEvent } from "./log-events.ts"

/** The parts that an attempt at a run works with. `signal` aborts with the reason the attempt must stop. */
export interface RunContext {
  readonly sessionId: string
  /** The root of the tree that the session belongs to; its own id for a session without a parent. */
  readonly rootSessionId: string
  readonly tree: TreePlace
  readonly tenant: string
  readonly userId: string
  readonly conversation: Conversation
  readonly journal: Journal
  readonly answers: Answers
  readonly steering: Steering
  readonly hold: Hold
  /**
   * If true, the process that had the session before gave it back; its unfinished work then counts as no crash.
   */
  readonly stoppedInOrder: boolean
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

/** A session's place in its tree, and what the run needs to start sessions below it. */
export interface TreePlace {
  /** The call that started the session; null for a root. */
  readonly parent: SessionParent | null
  /** Number of sessions above it. */
  readonly depth: number
  /** Names of the agents that this gateway serves. */
  readonly agents: readonly string[]
  /** Resolves to true if the sessions of the principal store so much that no further one may start. */
  readonly isStorageFull: () => Promise<boolean>
  /** Starts each work when the one before has ended. */
  readonly oneByOne: <T>(work: () => Promise<T>) => Promise<T>
}

export interface ModelRunContext extends RunContext {
  readonly runtime: ModelRuntime
}

export interface RunnerRunContext extends RunContext {
  readonly runtime: RunnerRuntime
}

/** The parts that settling a call needs, in either kind of loop. */
export interface SettlingContext extends RunContext {
  readonly runtime: Pick<
    ModelRuntime,
    "hooks" | "maxToolResultBytes" | "transformToolResults" | "callbackTimeoutMs"
  >
}

/** Appends the events to the log. Once they are durable, applies them to the conversation and calls the hooks. */
export async function record(
  context: RunContext & { readonly runtime: { readonly hooks: RunHooks; readonly itemsAtEnd?: ItemsAtEnd } },
  events: readonly Event[],
  effects: JournalEffects = {},
): Promise<void> {
  const outbox = [...(effects.outbox ?? []), ...treeEffects(context, events), ...endItems(context, events)]
  for (const entry of await context.journal.append(events, { ...effects, outbox })) {
    const calls =
      context.conversation.run?.phase.type === "settling" ? context.conversation.run.phase.calls : null
    logEvent(entry, { sessionId: context.sessionId, run: context.conversation.run, logger: context.logger })
    context.conversation.apply(entry)
    notifyHooks(context.runtime.hooks, { entry, sessionId: context.sessionId, calls, logger: context.logger })
  }
}
