import type { RunCompleted, RunFailed, ToolCallRequested, WaitOpened } from "../../../core/log/entries.ts"
import type { Cursor } from "../cursor.ts"
import type { OpenPart } from "./message-parts.ts"
import type { ModelUsage } from "./usage.ts"

/**
 * A subscriber's stream at one place of the log. A run of AG-UI ends at a question, and the answer starts another one,
 * so a stream shows a part of a run of the gateway: a segment.
 */
export interface AgUiState {
  readonly viewer: AgUiViewer
  /** `before`: the segment has not started. `over`: another segment follows, and the last frames were sent. */
  readonly phase: "before" | "shown" | "over"
  /** Sequence number of the last entry that changed the state. */
  readonly seq: number
  /** The part of the streaming message that has not ended. */
  readonly part: OpenPart | null
  /** Characters of the streaming message so far. */
  readonly characters: number
  readonly facts: Facts
}

/** Facts about a subscriber that are not in the log. */
export interface AgUiViewer {
  readonly threadId: string
  /** The client's own id of the run. */
  readonly runId: string
  /** Entries after this sequence number are shown. For a client that continues, the segment may start before. */
  readonly from: number
  /** If true, the segments of other runs of the client are shown too. */
  readonly isWhole: boolean
  /** If true, the client has sent the message and the results that start the segment, so they are not shown to it. */
  readonly isAuthor: boolean
  /** If true, the client's message joined the run. */
  readonly hasSteered: boolean
  /** If true, the stream continues one that the client has received in part. */
  readonly isContinued: boolean
  /** The client's place in the stream, until it is behind. Null for a stream from the start. */
  readonly received: Cursor | null
  /** If true, the client is older than AG-UI 1.0. */
  readonly isFormer: boolean
  /** The sub-agent whose log is folded. Null for the session itself. */
  readonly subAgentId: string | null
}

/** Facts about a run that the deltas of its messages do not change. */
export interface Facts {
  /** The id of the message of the current turn. */
  readonly messageId: string
  /** If true, a part of the message has the message's own id. */
  readonly hasText: boolean
  /** Name of the open turn. Null if none is open in the segment. */
  readonly step: string | null
  /** Calls of the client without a result. */
  readonly pending: readonly PendingCall[]
  /** Calls whose results the client has sent with the request that started the segment. */
  readonly answered: readonly string[]
  /** Open waits of the session. */
  readonly waits: readonly WaitOpened[]
  readonly usage: readonly ModelUsage[]
  readonly end: RunCompleted | RunFailed | null
}

/** A call that the client executes. */
export type PendingCall = Pick<ToolCallRequested, "toolCallId" | "name" | "input">

const noFacts: Facts = {
  ...{ messageId: "", hasText: false, step: null, end: null },
  ...{ pending: [], answered: [], waits: [], usage: [] },
}

/** Returns the state at the start of a run. */
export function startState(viewer: AgUiViewer): AgUiState {
  return { viewer, phase: "before", seq: 0, part: null, characters: 0, facts: noFacts }
}

/** Returns true if subscribers in these states receive the same frames. */
export function isSameState(one: AgUiState, other: AgUiState): boolean {
  return (
    one.seq === other.seq &&
    one.characters === other.characters &&
    one.phase === other.phase &&
    one.part?.index === other.part?.index &&
    isSameViewer(one.viewer, other.viewer)
  )
}

function isSameViewer(one: AgUiViewer, other: AgUiViewer): boolean {
  if (one === other) return true
  return (
    one.threadId === other.threadId &&
    one.runId === other.runId &&
    one.from === other.from &&
    one.isWhole === other.isWhole &&
    one.isAuthor === other.isAuthor &&
    one.hasSteered === other.hasSteered &&
    one.isContinued === other.isContinued &&
    one.isFormer === other.isFormer &&
    one.subAgentId === other.subAgentId &&
    one.received === null &&
    other.received === null
  )
}
