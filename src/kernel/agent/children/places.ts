import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { ReturnedWait, Tool } from "../../../core/ports/tools/tool.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import type { Conversation } from "../conversation.ts"
import type { ModelRunContext } from "../run-context.ts"
import { type CallState, findOpenWait } from "../tools/call-state.ts"
import { openWait } from "../waits/open-wait.ts"
import { refuseIfTooMany, WaitRefused } from "../waits/refused-wait.ts"
import { listOpenChildren } from "./tree-effects.ts"

type ReturnedChild = Extract<ReturnedWait, { kind: "child" }>

/** Maximum number of calls of one message that wait for the end of other children. */
const maxWaitingCalls = 32
/** Milliseconds after which a waiting call looks again if a child may start. Normally, the end of a child wakes it. */
const lookAgainMs = 600_000

/** Returns the number of children and background tasks of the session that work now. */
export function countWorking({ run, tasks }: Pick<Conversation, "run" | "tasks">): number {
  return (run === null ? 0 : listOpenChildren(run).length) + tasks.running().length
}

/**
 * Parks a call whose child may not start yet, because `places` children work. Throws a `WaitRefused` if too many calls
 * wait already.
 */
export async function waitForPlace(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { returned: { task, continuation }, places }: { readonly returned: ReturnedChild; readonly places: number },
): Promise<void> {
  refuseIfTooMany(call, "timer")
  const others = listCalls(context.conversation).filter((other) => other !== call && isWaiting(other))
  if (others.length >= maxWaitingCalls) throw createTooManyCalls(places)
  await openWait(context, {
    toolCallId: call.requested.toolCallId,
    toolName: tool.name,
    origin: resolveOrigin(tool, call.input),
    asks: { kind: "timer", payload: { places } },
    answerSchema: null,
    expiresAt: context.clock.now() + lookAgainMs,
    // `checkTask` has parsed the task, which is plain data.
    continuation: { task: task as unknown as JsonObject, continuation },
  })
}

/** Returns true if the call waits for a place and one is free. Earlier calls come first. */
export function hasPlace(conversation: Pick<Conversation, "run" | "tasks">, call: CallState): boolean {
  const places = findPlaces(call)
  if (places === null || findOpenWait(call) === null) return false
  const calls = listCalls(conversation)
  const before = calls.slice(0, calls.indexOf(call)).filter(isWaiting)
  const starting = calls.filter((other) => other.state === "waited" && findPlaces(other) !== null)
  return countWorking(conversation) + before.length + starting.length < places
}

/** Returns the child that the call wants to start, after its wait for a place. Null if it did not wait for one. */
export function findPlannedChild(call: CallState): ReturnedChild | null {
  const planned = findPlaces(call) === null ? null : (call.wait?.continuation ?? null)
  if (planned === null || !isJsonObject(planned.task) || !isJsonObject(planned.continuation)) return null
  const { continuation } = planned
  // `waitForPlace` has stored the task, and `startChild` parses it again.
  return { type: "wait", kind: "child", task: planned.task as unknown as ReturnedChild["task"], continuation }
}

function findPlaces({ wait }: CallState): number | null {
  return wait?.kind === "timer" ? (wait.payload.places ?? null) : null
}

function isWaiting(call: CallState): boolean {
  return findPlaces(call) !== null && findOpenWait(call) !== null
}

function listCalls({ run }: Pick<Conversation, "run">): readonly CallState[] {
  return run?.phase.type === "settling" ? [...run.phase.calls.values()] : []
}

function createTooManyCalls(places: number): WaitRefused {
  const message =
    `${places} sub-agents work at once, and ${maxWaitingCalls} further calls wait for their end. ` +
    "Repeat this call after you have received the results."
  return new WaitRefused("too_many_children", message)
}
