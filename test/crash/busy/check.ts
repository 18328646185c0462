import type { ContentPart } from "../../../src/core/history/messages.ts"
import { type Entry, type EventEntry, isTerminal } from "../../../src/core/log/entries.ts"
import type { BusyClient, SentMessage } from "./client.ts"

/** Returns everything in a session that breaks the guarantees, one line each. */
export function busyViolations({ id, sent }: BusyClient, entries: readonly Entry[]): readonly string[] {
  const events = entries.filter((entry) => entry.kind === "event")
  const logged = events.flatMap(messageOf)
  return [...checkMessages(sent, logged), ...checkOrder(sent, logged), ...checkEnds(events)].map(
    (violation) => `${violation} [${id}]`,
  )
}

interface LoggedMessage {
  readonly text: string
  readonly runId: string
  /** If true, the message joined an open run. */
  readonly joined: boolean
}

function messageOf({ event, runId }: EventEntry): readonly LoggedMessage[] {
  if (event.type !== "runStarted" && event.type !== "userMessageAdded") return []
  return [{ text: textOf(event.content), runId: runId ?? "", joined: event.type === "userMessageAdded" }]
}

function textOf(content: readonly ContentPart[]): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join("")
}

/**
 * Checks that each accepted message is in the log once, in the run that the gateway named, and that no refused
 * message is in the log.
 */
function* checkMessages(sent: readonly SentMessage[], logged: readonly LoggedMessage[]): Iterable<string> {
  for (const { text, runId, whenBusy } of sent) {
    const found = logged.filter((message) => message.text === text)
    const wanted = runId === null ? 0 : 1
    if (found.length !== wanted)
      yield `lost: “${text}” (${whenBusy}) is logged ${found.length} times, not ${wanted}`
    for (const message of found) {
      if (message.runId !== runId) yield `“${text}” (${whenBusy}) is in ${message.runId}, not in ${runId}`
      if (message.joined && whenBusy !== "steer") yield `“${text}” (${whenBusy}) joined a run`
    }
  }
  const unknown = logged.find(({ text }) => !sent.some((message) => message.text === text))
  if (unknown !== undefined) yield `nobody sent “${unknown.text}”`
}

/**
 * Checks that queued messages run in the order of their acceptance, and that an interrupting message never runs after
 * a message that was queued later.
 */
function* checkOrder(sent: readonly SentMessage[], logged: readonly LoggedMessage[]): Iterable<string> {
  const place = (text: string) => logged.findIndex((message) => message.text === text)
  const accepted = sent.filter(({ runId }) => runId !== null)
  for (const [index, earlier] of accepted.entries()) {
    if (earlier.whenBusy === "steer") continue
    for (const later of accepted.slice(index + 1)) {
      if (later.whenBusy !== "queue" || place(later.text) === -1) continue
      if (place(earlier.text) > place(later.text)) yield `“${later.text}” ran before “${earlier.text}”`
    }
  }
}

/** Checks that every opened run has one end, and that no two runs are open at once. */
function* checkEnds(events: readonly EventEntry[]): Iterable<string> {
  let open: string | null = null
  for (const { event, runId } of events) {
    if (event.type === "runStarted") {
      if (open !== null) yield `${runId} was opened while ${open} was open`
      open = runId
    }
    if (!isTerminal(event)) continue
    if (open !== runId) yield `${runId} ended while ${open ?? "no run"} was open`
    open = null
  }
  if (open !== null) yield `lost: ${open} has no end`
}
