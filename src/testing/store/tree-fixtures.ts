import { randomIds } from "../../core/ids.ts"
import type { OutboxItem, StartChild } from "../../core/ports/store/outbox.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { NewWait } from "../../core/wait.ts"
import {
  claimSession,
  commitOk,
  createAgentName,
  createMessage,
  startSession,
} from "../session-log/fixtures.ts"
import { createOpening, createWait } from "../session-log/waits/wait-fixtures.ts"

export interface Parent {
  readonly sessionId: string
  readonly runId: string
  readonly lease: Lease
  readonly wait: NewWait
  readonly start: StartChild
}

/** Creates a running session whose run waits for a child that is about to start. Uses number 1. */
export async function parentOf(
  log: SessionLog,
  session?: Awaited<ReturnType<typeof startSession>>,
): Promise<Parent> {
  const running = session ?? (await startSession(log))
  const { sessionId, runId, lease } = running
  const [childId, childRunId] = [randomIds.next("sess"), randomIds.next("run")]
  const payload = { agent: createAgentName(), sessionId: childId, runId: childRunId, reservedUsd: null }
  const wait: NewWait = {
    ...createWait(runId),
    waitId: childRunId,
    nonce: childRunId,
    answerSchema: null,
    kind: "child",
    payload,
  }
  const { toolCallId } = wait
  const start: StartChild = {
    type: "startChild",
    child: { agent: payload.agent, parent: { sessionId, runId, toolCallId }, createdAt: 5_000 },
    command: createMessage(childId, { runId: childRunId }),
  }
  const item: OutboxItem = { id: `start:${childRunId}`, kind: "command", payload: start }
  await commitOk(log, { ...createOpening(running, [wait], 1), outbox: [item] })
  return { sessionId, runId, lease, wait, start }
}

export async function deliver({ outbox }: Store, { start }: Parent) {
  const deliveries = await outbox.deliverCommands({ limit: 1_000 })
  return deliveries.find(({ id }) => id === `start:${start.command.runId}`)?.result
}

/** Opens the child's run, consumes its message, and returns the data for a commit of the run. */
export async function openChild(log: SessionLog, { start: { child, command } }: Parent) {
  const lease = await claimSession(log, command.sessionId)
  const { runId, sessionId } = command
  await commitOk(log, {
    lease,
    entries: [],
    commandsConsumed: (await log.pending(lease)).map(({ id }) => id),
    runOpened: { runId, cursor: 0, steerable: true },
  })
  return { sessionId, runId, lease, agent: child.agent }
}
