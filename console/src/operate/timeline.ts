import { countText, formatCost } from "../ui/format.ts"
import type { EventEntry } from "./operator-types.ts"

/** One bar of a run's timeline. */
export interface Span {
  readonly id: string
  readonly kind: "turn" | "model" | "tool" | "wait" | "summary"
  readonly label: string
  readonly outcome: "ok" | "failed" | "open"
  /** Milliseconds since the Unix epoch. */
  readonly start: number
  /** Null while the span is open. */
  readonly end: number | null
  readonly detail: string
}

type Draft = { -readonly [Key in keyof Span]: Span[Key] }

/** Converts the events of a run into spans, in the order in which they started. */
export function toSpans(entries: readonly EventEntry[]): readonly Span[] {
  const spans: Draft[] = []
  const open = new Map<string, Draft>()

  const begin = (id: string, span: Pick<Span, "kind" | "label" | "start"> & { readonly detail?: string }) => {
    const draft: Draft = { id: `${id}-${spans.length}`, outcome: "open", end: null, detail: "", ...span }
    spans.push(draft)
    open.set(id, draft)
  }
  const finish = (id: string, at: number, outcome: "ok" | "failed", detail = "") => {
    const draft = open.get(id)
    if (draft === undefined) return
    open.delete(id)
    Object.assign(draft, { end: at, outcome, ...(detail !== "" && { detail }) })
  }

  for (const { at, event } of entries) {
    const readText = (name: string) => String(event[name] ?? "")
    switch (event.type) {
      case "stepStarted":
        begin(`turn:${readText("stepId")}`, { kind: "turn", label: `Turn ${readText("step")}`, start: at })
        begin(`model:${readText("stepId")}`, { kind: "model", label: "Model", start: at })
        break
      case "modelCallFailed":
        finish(
          `model:${readText("stepId")}`,
          at,
          "failed",
          `${readText("model")}: ${readText("providerMessage") || readText("code")}`,
        )
        break
      case "stepRetried":
        finish(`model:${readText("stepId")}`, at, "failed", formatError(event.error))
        begin(`model:${readText("stepId")}`, {
          kind: "model",
          label: `Model, attempt ${readText("attempt")}`,
          start: at,
        })
        break
      case "compactionStarted":
        begin(`summary:${readText("compactionId")}`, { kind: "summary", label: "Summary", start: at })
        break
      case "historyCompacted":
        finish(`summary:${readText("compactionId")}`, at, "ok", formatSummaryDetail(event))
        break
      case "compactionFailed":
        finish(
          `summary:${readText("compactionId")}`,
          at,
          "failed",
          `${readText("model")}: ${readText("code")}`,
        )
        break
      case "messageCompleted":
        finish(`model:${readText("stepId")}`, at, "ok", readText("model"))
        break
      case "stepCompleted":
        finish(`turn:${readText("stepId")}`, at, "ok")
        break
      case "toolCallRequested":
        begin(`tool:${readText("toolCallId")}`, { kind: "tool", label: readText("name"), start: at })
        break
      case "toolCallCompleted": {
        const problem = formatError(event.result)
        finish(`tool:${readText("toolCallId")}`, at, problem === "" ? "ok" : "failed", problem)
        break
      }
      case "toolCallInterrupted":
        finish(`tool:${readText("toolCallId")}`, at, "failed", `interrupted: ${readText("reason")}`)
        break
      case "waitOpened":
        begin(`wait:${readText("waitId")}`, {
          ...{ kind: "wait", label: `Wait: ${waits[readText("kind")] ?? readText("kind")}`, start: at },
          detail: readText("toolName"),
        })
        break
      case "waitResolved":
        finish(
          `wait:${readText("waitId")}`,
          at,
          event.decidedBy === null ? "failed" : "ok",
          formatResolution(event),
        )
        break
      case "runCompleted":
      case "runFailed":
        for (const id of [...open.keys()]) finish(id, at, "failed", "ended with the run")
        break
    }
  }
  return spans
}

const waits: Readonly<Record<string, string>> = {
  approval: "approval",
  elicitation: "question",
  clientTool: "client tool",
  child: "sub-agent",
  timer: "timer",
}

/** Describes the effect and the cost of a summary. */
function formatSummaryDetail(event: EventEntry["event"]): string {
  const {
    tokensBefore,
    tokensAfter,
    cost = null,
  } = event as {
    readonly tokensBefore?: number
    readonly tokensAfter?: number
    readonly cost?: number | null
  }
  const tokens = `${countText(tokensBefore ?? 0)} → ${countText(tokensAfter ?? 0)} tokens`
  return `${tokens}, ${formatCost(cost)}, ${String(event.model)}`
}

function formatResolution(event: EventEntry["event"]): string {
  if (event.decidedBy === null) return "no answer"
  const resolution = event.resolution as { readonly approved?: boolean } | undefined
  if (resolution?.approved === undefined) return "answered"
  return resolution.approved ? "allowed" : "denied"
}

function formatError(value: unknown): string {
  if (typeof value !== "object" || value === null || !("code" in value)) return ""
  return `${String(value.code)}${"message" in value ? `: ${String(value.message)}` : ""}`
}
