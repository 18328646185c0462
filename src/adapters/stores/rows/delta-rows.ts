import type {
  Delta,
  TextDelta,
  ThinkingDelta,
  ToolInputDelta,
  ToolOutputDelta,
} from "../../../core/log/deltas.ts"
import type { DeltaEntry } from "../../../core/log/entries.ts"

/**
 * Consecutive deltas of one run as one stored row. Deltas of the same part or tool call share a header. Each delta
 * keeps its own sequence number as an offset from the row's first: `[[header, [[offset, text], …]], …]`.
 */
export interface DeltaRow {
  readonly runId: string
  readonly firstSeq: number
  readonly lastSeq: number
  readonly body: string
}

type Header =
  | Omit<TextDelta, "text">
  | Omit<ThinkingDelta, "text">
  | Omit<ToolInputDelta, "text">
  | Omit<ToolOutputDelta, "text" | "chunk">

/** The third member counts the chunks of a tool's output. */
type Frame = readonly [offset: number, text: string, chunk?: number]
type Group = readonly [header: Header, frames: Frame[]]

/** Packs deltas into a row. `entries` are of one run, in order, with no event between them. */
export function packDeltas(entries: readonly [DeltaEntry, ...DeltaEntry[]]): DeltaRow {
  const { runId, seq: firstSeq } = entries[0]
  const groups: Group[] = []
  let lastSeq = firstSeq
  for (const { seq, delta } of entries) {
    let group = groups.at(-1)
    if (group === undefined || !canContinue(group[0], delta)) {
      group = [createHeader(delta), []]
      groups.push(group)
    }
    group[1].push(createFrame(seq - firstSeq, delta))
    lastSeq = seq
  }
  return { runId, firstSeq, lastSeq, body: JSON.stringify(groups) }
}

export function unpackDeltas(row: Omit<DeltaRow, "lastSeq">): DeltaEntry[] {
  const groups: readonly Group[] = JSON.parse(row.body)
  return groups.flatMap(([header, frames]) =>
    frames.map(
      (frame): DeltaEntry => ({
        kind: "delta",
        seq: row.firstSeq + frame[0],
        runId: row.runId,
        delta: toDelta(header, frame),
      }),
    ),
  )
}

function createHeader(delta: Delta): Header {
  switch (delta.type) {
    case "textDelta":
    case "thinkingDelta": {
      const { type, stepId, messageId, part } = delta
      return { type, stepId, messageId, part }
    }
    case "toolInput": {
      const { type, stepId, toolCallId, toolName } = delta
      return { type, stepId, toolCallId, toolName }
    }
    case "toolOutput": {
      const { type, stepId, toolCallId, toolName, stream } = delta
      return { type, stepId, toolCallId, toolName, stream }
    }
    default:
      return delta satisfies never
  }
}

function createFrame(offset: number, delta: Delta): Frame {
  return delta.type === "toolOutput" ? [offset, delta.text, delta.chunk] : [offset, delta.text]
}

function toDelta(header: Header, [, text, chunk = 0]: Frame): Delta {
  return header.type === "toolOutput" ? { ...header, text, chunk } : { ...header, text }
}

function canContinue(header: Header, delta: Delta): boolean {
  if (header.stepId !== delta.stepId) return false
  if (header.type === "toolOutput") {
    return (
      delta.type === "toolOutput" && header.toolCallId === delta.toolCallId && header.stream === delta.stream
    )
  }
  if (header.type === "toolInput") return delta.type === "toolInput" && header.toolCallId === delta.toolCallId
  return header.type === delta.type && header.messageId === delta.messageId && header.part === delta.part
}
