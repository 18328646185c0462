import type { Event } from "../../../src/core/log/entries.ts"
import type { ScenarioName } from "../scenarios/scenarios.ts"

type Around = "before" | "after"
/** Waits with answers. The states of runners have their own crash tests. */
export type AnsweredWait = "approval" | "clientTool" | "elicitation"
/** Commands from one session to another, as named in the ids of their outbox items. */
export type DeliveredCommand = "start" | "answer" | "cancel" | "taskEnd"
export type CommittedKind =
  | Exclude<Event["type"], "runnerStateSaved" | "waitOpened" | "waitResolved">
  | `${"waitOpened" | "waitResolved"}.${AnsweredWait | "timer" | "child"}`
  /** The end of a sub-agent, with its answer to the call for which it works. */
  | "childEnded"
  | "deltas"
/** `cancelTree`: a cancel of a run with sub-agents. */
export type PutKind = "message" | "queue" | "interrupt" | "steer" | "supersede" | "cancel" | "cancelTree"
export type ToolKind = "plain" | "idempotent" | "readOnly"

/** A place at which the gateway's process can kill itself. */
export type CrashPoint =
  | `createSession:${Around}`
  | `put:${PutKind}:${Around}`
  | `answer:${AnsweredWait | "treeGrant"}:${Around}`
  | `deliver:${DeliveredCommand}:after`
  | `${"claim" | "claimRunnable"}:after`
  | `${"release" | "park"}:${Around}`
  | `commit:${CommittedKind}:${Around}`
  | `model:${"first-token" | "mid-text" | "before-end"}`
  | `tool:${ToolKind}:${Around}-effect`
  | "outbox:claim:after"
  | `outbox:deliver:${Around}-effect`
  | `outbox:complete:${Around}`
  | "snapshot:drop:after"
  | `snapshot:put:${Around}`
  | "cursor:claim:after"
  | `cursor:finish:${Around}`
  | `hook:${Around}-effect`

/** Scenarios in which each kind of event is committed, and deltas alone. */
const commits: Readonly<Record<CommittedKind, ScenarioName>> = {
  runStarted: "text",
  historyReplaced: "replaced",
  historyForked: "supersede",
  compactionStarted: "compact",
  compactionFailed: "compactFails",
  historyCompacted: "compact",
  toolResultsShortened: "shorten",
  userMessageAdded: "steer",
  runWithdrawn: "withdraw",
  stepStarted: "text",
  modelCallFailed: "retries",
  stepRetried: "retries",
  messageCompleted: "text",
  toolCallRequested: "parallel",
  interceptorDecided: "parallel",
  "waitOpened.approval": "approve",
  "waitResolved.approval": "approve",
  "waitOpened.clientTool": "client",
  "waitResolved.clientTool": "client",
  "waitOpened.elicitation": "elicit",
  "waitResolved.elicitation": "elicit",
  "waitOpened.timer": "sleep",
  "waitResolved.timer": "sleep",
  "waitOpened.child": "children",
  "waitResolved.child": "children",
  childEnded: "children",
  toolCallStarted: "parallel",
  dataEmitted: "parallel",
  toolCallCompleted: "parallel",
  toolCallInterrupted: "cancelTool",
  taskRegistered: "tasks",
  taskEnded: "tasks",
  tasksCollected: "tasks",
  stepCompleted: "text",
  outputRejected: "structured",
  maxTurnsReached: "maxTurns",
  budgetExceeded: "budget",
  runCompleted: "text",
  runFailed: "fails",
  // In this scenario, the deltas are too far apart to be stored together with an event.
  deltas: "cancelText",
}

const others: Readonly<Record<Exclude<CrashPoint, `commit:${string}`>, ScenarioName>> = {
  "createSession:before": "text",
  "createSession:after": "text",
  "put:message:before": "text",
  "put:message:after": "text",
  "put:cancel:before": "cancelLate",
  "put:cancel:after": "cancelText",
  "put:cancelTree:before": "cancelChildren",
  "put:cancelTree:after": "cancelChildren",
  "put:queue:before": "queue",
  "put:queue:after": "queue",
  "put:interrupt:before": "interrupt",
  "put:interrupt:after": "interrupt",
  "put:supersede:before": "supersede",
  "put:supersede:after": "supersede",
  "put:steer:before": "steer",
  "put:steer:after": "steer",
  "answer:approval:before": "edit",
  "answer:approval:after": "edit",
  "answer:treeGrant:before": "treeGrant",
  "answer:treeGrant:after": "treeGrant",
  "deliver:start:after": "children",
  "deliver:answer:after": "children",
  "deliver:cancel:after": "cancelChildren",
  "deliver:taskEnd:after": "tasks",
  "answer:clientTool:before": "client",
  "answer:clientTool:after": "client",
  "answer:elicitation:before": "elicit",
  "answer:elicitation:after": "elicit",
  "claim:after": "text",
  "claimRunnable:after": "text",
  "release:before": "text",
  "release:after": "text",
  "snapshot:drop:after": "long",
  "snapshot:put:before": "long",
  "snapshot:put:after": "long",
  "park:before": "patient",
  "park:after": "patient",
  "model:first-token": "text",
  "model:mid-text": "text",
  "model:before-end": "text",
  "tool:plain:before-effect": "parallel",
  "tool:plain:after-effect": "parallel",
  "tool:idempotent:before-effect": "parallel",
  "tool:idempotent:after-effect": "parallel",
  "tool:readOnly:before-effect": "parallel",
  "tool:readOnly:after-effect": "parallel",
  "outbox:claim:after": "text",
  "outbox:deliver:before-effect": "text",
  "outbox:deliver:after-effect": "text",
  "outbox:complete:before": "text",
  "outbox:complete:after": "text",
  "cursor:claim:after": "text",
  "cursor:finish:before": "text",
  "cursor:finish:after": "text",
  "hook:before-effect": "text",
  "hook:after-effect": "text",
}

/** Every crash point, with a scenario that reaches it. */
export const crashPoints: ReadonlyMap<CrashPoint, ScenarioName> = new Map<CrashPoint, ScenarioName>([
  ...(Object.entries(others) as [keyof typeof others, ScenarioName][]),
  ...(Object.entries(commits) as [CommittedKind, ScenarioName][]).flatMap(([kind, scenario]) =>
    (["before", "after"] as const).map((around) => [`commit:${kind}:${around}`, scenario] as const),
  ),
])
