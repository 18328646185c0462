import { isDeepStrictEqual } from "node:util"
import type { Message } from "../core/history/messages.ts"
import { isJsonObject, type Json, type JsonObject } from "../core/json/json.ts"
import type { AppData, Event, LiveEntry, RunFailed, WaitOpened, WaitResolved } from "../core/log/entries.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import type { Question } from "../core/question.ts"
import type { ChildOutcome } from "../core/runs/child.ts"
import type { ApprovalPayload, ElicitationPayload } from "../core/wait.ts"
import { type ParkedWait, type ViewEnd, viewEnds } from "../kernel/sessions/reading/view-end.ts"
import type { Decision, PlacedRunEnd, Sessions } from "../kernel/sessions/sessions.ts"
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
  /** Returns the decision with the original values in edited arguments. Null if a masked value is left. */
  const restoreInput = async <Given extends Decision>(decision: Given): Promise<Given | null> => {
    const { editedInput, sessionId, toolCallId } = decision
    if (editedInput === undefined) return decision
    const waits = await sessions.openWaits({ sessionId, kind: "approval" })
    const wait = waits.find((open) => open.toolCallId === toolCallId)
    const asked = wait?.kind === "approval" ? wait.payload.input : undefined
    if (asked === undefined) return decision
    const restored = restore(editedInput, { asked, shown: mask(asked) })
    if (!isJsonObject(restored) || isStillRedacted(restored, asked)) return null
    return { ...decision, editedInput: restored }
  }
  const redactParked = (wait: ParkedWait) => ({
    ...redactWait(wait, mask),
    rootToolCallId: wait.rootToolCallId,
  })
  const showEnd = (end: ViewEnd): ViewEnd =>
    end.type === "parked" ? { ...end, waits: end.waits.map(redactParked) } : end
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
            return [id, { ...details, data: data.map((each) => redactData(each, mask)) }] as const
          })
          const marks = part.marks.map((mark) => (mark.type === "runEnd" ? redactEnd(mark, mask) : mark))
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
    async decide(decision) {
      const restored = await restoreInput(decision)
      return restored === null ? stillRedacted : sessions.decide(restored)
    },
    async answerAll(answers) {
      const restored = await Promise.all(
        answers.map((each) => (each.kind === "approval" ? restoreInput(each) : each)),
      )
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

function redactEntry(entry: LiveEntry, mask: Mask): LiveEntry {
  if (entry.kind === "transient") return { ...entry, data: redactData(entry.data, mask) }
  if (entry.kind === "status") return { ...entry, message: mask(entry.message) }
  if (entry.kind !== "event") return entry
  const event = redactEvent(entry.event, mask)
  return event === entry.event ? entry : { ...entry, event }
}

function redactEvent(event: Event, mask: Mask): Event {
  switch (event.type) {
    case "toolCallRequested":
      return { ...event, input: mask(event.input) }
    case "waitOpened":
    case "waitResolved":
      return redactWaitEvent(event, mask)
    case "interceptorDecided":
      return { ...event, message: mask(event.message) }
    case "runFailed":
      return redactFailure(event, mask)
    case "maxTurnsReached":
      return event.summary === undefined ? event : { ...event, summary: mask(event.summary) }
    case "taskRegistered":
      return { ...event, description: mask(event.description) }
    case "taskEnded":
      return { ...event, outcome: redactOutcome(event.outcome, mask) }
    case "stepRetried":
      return { ...event, error: mask(event.error) }
    case "dataEmitted":
      return { ...event, value: mask(event.value) }
    case "toolCallCompleted":
      return { ...event, result: mask(event.result) }
    default:
      return event
  }
}

function redactFailure(event: RunFailed, mask: Mask): RunFailed {
  const { message, providerMessage } = event
  return {
    ...event,
    message: mask(message),
    ...(providerMessage !== undefined && { providerMessage: mask(providerMessage) }),
  }
}

function redactEnd(end: PlacedRunEnd, mask: Mask): PlacedRunEnd {
  const { message, providerMessage, summary } = end
  return {
    ...end,
    message: mask(message),
    providerMessage: mask(providerMessage),
    summary: mask(summary),
  }
}

function redactTask({ description, outcome, ...task }: ListedTask, mask: Mask): ListedTask {
  return {
    ...task,
    description: mask(description),
    outcome: outcome === null ? null : redactOutcome(outcome, mask),
  }
}

function redactOutcome(outcome: ChildOutcome, mask: Mask): ChildOutcome {
  return { ...outcome, response: mask(outcome.response), error: mask(outcome.error) }
}

function redactData(data: AppData, mask: Mask): AppData {
  return { ...data, value: mask(data.value) }
}

function redactWait(wait: Wait, mask: Mask): Wait {
  switch (wait.kind) {
    case "approval":
      return { ...wait, payload: redactApproval(wait.payload, mask) }
    case "elicitation":
      return { ...wait, payload: redactElicitation(wait.payload, mask) }
    case "clientTool":
    case "child":
    case "timer":
      return wait
    default:
      return wait satisfies never
  }
}

function redactWaitEvent(event: WaitOpened | WaitResolved, mask: Mask): Event {
  if (event.type === "waitResolved") {
    if (event.kind !== "approval") return event
    const { reason, ...resolution } = event.resolution
    return { ...event, resolution: { ...resolution, reason: mask(reason) } }
  }
  if (event.kind === "approval") return { ...event, payload: redactApproval(event.payload, mask) }
  if (event.kind === "elicitation") return { ...event, payload: redactElicitation(event.payload, mask) }
  return event
}

function redactApproval(payload: ApprovalPayload, mask: Mask): ApprovalPayload {
  const { input, qualifier, reason } = payload
  return { ...payload, ...mask({ input, qualifier, reason }) }
}

function redactElicitation(payload: ElicitationPayload, mask: Mask): ElicitationPayload {
  return { ...payload, question: redactQuestion(payload.question, mask) }
}

/** Redacts a question. A form and a URL are not masked, because the user could not answer without them. */
function redactQuestion(question: Question, mask: Mask): Question {
  return { ...question, message: mask(question.message) }
}

function redactMessage(message: Message, mask: Mask): Message {
  if (message.role === "tool") {
    return {
      ...message,
      results: message.results.map(({ toolCallId, result }) => ({ toolCallId, result: mask(result) })),
    }
  }
  if (message.role !== "assistant") return message
  const content = message.content.map((part) =>
    part.type === "toolCall" ? { ...part, input: mask(part.input) } : part,
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
