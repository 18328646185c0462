import { isDeepStrictEqual } from "node:util"
import type { Message } from "../core/history/messages.ts"
import { isJsonObject, type Json, type JsonObject } from "../core/json/json.ts"
import type { Event, LiveEntry, WaitOpened } from "../core/log/entries.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import type { ChildOutcome } from "../core/runs/child.ts"
import { type ViewEnd, viewEnds } from "../kernel/sessions/reading/view-end.ts"
import type { GivenAnswer, Sessions } from "../kernel/sessions/sessions.ts"
import type { ListedTask } from "../kernel/sessions/tree/list-tasks.ts"
import { isOfSubAgent, isProgress, type TreeBatch } from "../kernel/sessions/tree/sub-agent.ts"
import { createMask, type Mask, redacted } from "../platform/logging/mask.ts"

/**
 * Returns the same sessions, but masks secrets in the tool calls that subscribers see: arguments, results, emitted
 * data, questions, reasons and errors. The log, the model and the tools have the original values. (Live output is
 * masked when it is logged, because a secret may be split over two chunks.) A grant is shown and revoked by its
 * masked qualifier. The input of a client tool is not masked. If a person leaves a masked value in edited arguments,
 * it keeps its original value.
 */
export function redactSessions(sessions: Sessions, names: readonly string[]): Sessions {
  const mask = createMask(names)
  // Up-to-date subscribers share a batch by identity, so its redacted form is shared as well.
  const shown = new WeakMap<readonly LiveEntry[], readonly LiveEntry[]>()
  const show = (batch: readonly LiveEntry[]) => {
    const known = shown.get(batch) ?? batch.map((entry) => redactEntry(entry, mask))
    shown.set(batch, known)
    return known
  }
  /** Returns the answer with the original values in edited arguments. Null if a masked value is left. */
  const restoreInput = async (given: GivenAnswer): Promise<GivenAnswer | null> => {
    if (given.kind !== "approval" || given.editedInput === undefined) return given
    const { editedInput, sessionId, toolCallId } = given
    const waits = await sessions.openWaits({ sessionId, kind: "approval" })
    const wait = waits.find((open) => open.toolCallId === toolCallId)
    const asked = wait?.kind === "approval" ? wait.payload.input : undefined
    if (asked === undefined) return given
    const restored = restore(editedInput, { asked, shown: mask(asked) })
    if (!isJsonObject(restored) || isStillRedacted(restored, asked)) return null
    return { ...given, editedInput: restored }
  }
  const showEnd = (end: ViewEnd): ViewEnd =>
    end.type === "parked" ? { ...end, waits: end.waits.map((wait) => redactWait(wait, mask)) } : end
  return {
    ...sessions,
    view: (sessionId, options) => mapView(sessions.view(sessionId, options), { show, showEnd }),
    viewTree(sessionId, options) {
      const showOfTree = (batch: TreeBatch): TreeBatch => {
        if (isProgress(batch)) return batch
        return isOfSubAgent(batch) ? { ...batch, entries: show(batch.entries) } : show(batch)
      }
      return mapView(sessions.viewTree(sessionId, options), { show: showOfTree, showEnd })
    },
    async *history(sessionId, options) {
      for await (const part of sessions.history(sessionId, options)) {
        if (part.type === "end") {
          yield {
            ...part,
            openWaits: part.openWaits.map((wait) => redactWait(wait, mask)),
            runningTasks: part.runningTasks.map((task) => redactTask(task, mask)),
          }
        } else {
          const messages = part.messages.map((message) => redactMessage(message, mask))
          const calls = [...part.calls].map(([id, { data, ...details }]) => {
            return [id, { ...details, data: data.map((each) => maskMembers(each, ["value"], mask)) }] as const
          })
          const marks = part.marks.map((mark) =>
            mark.type === "runEnd"
              ? maskMembers(mark, ["message", "providerMessage", "summary"], mask)
              : mark,
          )
          yield { ...part, messages, calls: new Map(calls), marks }
        }
      }
    },
    async openWaits(filter) {
      return (await sessions.openWaits(filter)).map((wait) => redactWait(wait, mask))
    },
    async tasks(sessionId, options) {
      const tasks = await sessions.tasks(sessionId, options)
      return tasks.map((task) => redactTask(task, mask))
    },
    async grants(sessionId) {
      const grants = await sessions.grants(sessionId)
      return grants.map((grant) => ({ ...grant, qualifier: mask(grant.qualifier) }))
    },
    async revokeGrant(revocation) {
      const { sessionId, toolName, qualifier: given } = revocation
      const shownAs = (await sessions.grants(sessionId)).filter((grant) => {
        return grant.toolName === toolName && mask(grant.qualifier) === given
      })
      const qualifiers = new Set([given, ...shownAs.map(({ qualifier }) => qualifier)])
      const revoked = await Promise.all(
        [...qualifiers].map((qualifier) => sessions.revokeGrant({ ...revocation, qualifier })),
      )
      return revoked.includes(true)
    },
    async answer(given) {
      const restored = await restoreInput(given)
      return restored === null ? stillRedacted : sessions.answer(restored)
    },
    async answerAll(answers) {
      const restored = await Promise.all(answers.map(restoreInput))
      const complete = restored.filter((each) => each !== null)
      return complete.length < answers.length ? stillRedacted : sessions.answerAll(complete)
    },
  }
}

const stillRedacted = {
  status: "invalid",
  message: `${redacted} stands for a hidden value. Leave such a value unchanged, or replace it.`,
} as const

interface Mapping<Batch> {
  readonly show: (batch: Batch) => Batch
  readonly showEnd: (end: ViewEnd) => ViewEnd
}

/** Maps the batches and the end of a view. Unlike a generator, it forwards `return` to a view that waits. */
function mapView<Batch>(
  view: AsyncIterable<Batch, ViewEnd>,
  mapping: Mapping<Batch>,
): AsyncIterable<Batch, ViewEnd> {
  return {
    [Symbol.asyncIterator]() {
      const batches = view[Symbol.asyncIterator]()
      return {
        next: () => batches.next().then((read) => mapResult(read, mapping)),
        return: async () => (await batches.return?.()) ?? { done: true, value: viewEnds.left },
      }
    },
  }
}

function mapResult<Batch>(
  { done, value }: IteratorResult<Batch, ViewEnd>,
  { show, showEnd }: Mapping<Batch>,
): IteratorResult<Batch, ViewEnd> {
  return done === true ? { done, value: showEnd(value) } : { done: false, value: show(value) }
}

/** The members of events that may contain secrets. The function below masks those of waits and of ends of tasks. */
const membersOfEvents: { readonly [Type in Event["type"]]?: MembersOf<Extract<Event, { type: Type }>> } = {
  toolCallRequested: ["input"],
  interceptorDecided: ["message"],
  runFailed: ["message", "providerMessage"],
  maxTurnsReached: ["summary"],
  taskRegistered: ["description"],
  stepRetried: ["error"],
  dataEmitted: ["value"],
  toolCallCompleted: ["result"],
}

type MembersOf<Value> = readonly (keyof Value)[]

/** Masks these members, if they are present. */
function maskMembers<Value extends object>(value: Value, names: MembersOf<Value>, mask: Mask): Value {
  const masked = { ...value }
  for (const name of names) if (Object.hasOwn(value, name)) masked[name] = mask(value[name])
  return masked
}

function redactEntry(entry: LiveEntry, mask: Mask): LiveEntry {
  if (entry.kind === "transient") return { ...entry, data: maskMembers(entry.data, ["value"], mask) }
  if (entry.kind === "status") return maskMembers(entry, ["message"], mask)
  if (entry.kind !== "event") return entry
  const event = redactEvent(entry.event, mask)
  return event === entry.event ? entry : { ...entry, event }
}

function redactEvent(event: Event, mask: Mask): Event {
  if (event.type === "waitOpened") return redactWait(event, mask)
  if (event.type === "waitResolved" && event.kind === "approval")
    return { ...event, resolution: maskMembers(event.resolution, ["reason"], mask) }
  if (event.type === "taskEnded") return { ...event, outcome: redactOutcome(event.outcome, mask) }
  const names = membersOfEvents[event.type]
  // The table has only names of members of the events of a type.
  return names === undefined ? event : maskMembers(event, names as MembersOf<Event>, mask)
}

function redactTask({ outcome, ...task }: ListedTask, mask: Mask): ListedTask {
  const shown = outcome === null ? null : redactOutcome(outcome, mask)
  return { ...maskMembers(task, ["description"], mask), outcome: shown }
}

function redactOutcome(outcome: ChildOutcome, mask: Mask): ChildOutcome {
  return maskMembers(outcome, ["response", "error"], mask)
}

/** A form and a URL of a question are not masked, because the user could not answer without them. */
function redactWait<Given extends Wait | WaitOpened>(wait: Given, mask: Mask): Given {
  if (wait.kind === "approval") {
    const { input, qualifier, reason } = wait.payload
    return { ...wait, payload: { ...wait.payload, ...mask({ input, qualifier, reason }) } }
  }
  if (wait.kind !== "elicitation") return wait
  return {
    ...wait,
    payload: { ...wait.payload, question: maskMembers(wait.payload.question, ["message"], mask) },
  }
}

function redactMessage(message: Message, mask: Mask): Message {
  if (message.role === "tool")
    return { ...message, results: message.results.map((each) => maskMembers(each, ["result"], mask)) }
  if (message.role !== "assistant") return message
  const content = message.content.map((part) =>
    part.type === "toolCall" ? maskMembers(part, ["input"], mask) : part,
  )
  return { ...message, content }
}

/** Restores the masked values that a person left unchanged. The rest is as edited. */
function restore(edited: Json, { asked, shown }: { readonly asked: Json; readonly shown: Json }): Json {
  if (isDeepStrictEqual(edited, shown)) return asked
  if (isList(edited) && isList(asked) && isList(shown) && edited.length === asked.length) {
    return edited.map((item, index) => {
      return restore(item, { asked: asked[index] ?? null, shown: shown[index] ?? null })
    })
  }
  if (!isJsonObject(edited) || !isJsonObject(asked) || !isJsonObject(shown)) return edited
  return Object.fromEntries(
    Object.entries(edited).map(([name, value]) => {
      if (!Object.hasOwn(asked, name)) return [name, value]
      return [name, restore(value, { asked: asked[name] ?? null, shown: shown[name] ?? null })]
    }),
  )
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Returns true if the tool would receive the redaction placeholder although the model did not write it. */
function isStillRedacted(restored: JsonObject, asked: JsonObject): boolean {
  return JSON.stringify(restored).includes(redacted) && !JSON.stringify(asked).includes(redacted)
}
