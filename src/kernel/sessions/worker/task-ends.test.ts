import { expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { withdrawnOutcome } from "../../agent/children/tree-effects.ts"
import type { Conversation } from "../../agent/conversation.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { TaskEnd } from "./inbox.ts"
import { TaskEnds } from "./task-ends.ts"

const end: TaskEnd = {
  id: 7,
  type: "taskEnd",
  sessionId: "sess_1",
  runId: "task_1",
  outcome: withdrawnOutcome,
  context: {},
  channel: null,
  at: 0,
}

it("logs the end of a canceled task when its command is read again after an outage of the store", async () => {
  const run = vi
    .fn<SessionLog["run"]>()
    .mockRejectedValueOnce(new StoreUnavailableError())
    .mockResolvedValue(null)
  const appendFacts = vi.fn(async () => [])
  const task = { taskId: "task_1", name: "research", toolCallId: "call_1", runId: "run_1", announce: true }
  const ends = new TaskEnds({
    log: { run, read: async () => [] },
    writer: { appendFacts } as unknown as SessionWriter,
    inbox: { hasCancel: () => false },
    isSubAgent: false,
    signal: () => new AbortController().signal,
    conversation: { tasks: { find: () => task } } as unknown as Conversation,
  })
  // The work on the session goes on.
  await ends.log(end)
  await ends.settled()
  expect(appendFacts).not.toHaveBeenCalled()
  await ends.log(end)
  expect(appendFacts).toHaveBeenCalledOnce()
})
