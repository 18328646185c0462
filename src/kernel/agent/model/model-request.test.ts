import { expect, it } from "vitest"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { createForgeries, forged, readFrames, textOf } from "../../../core/text/fixtures/forgeries.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { createModelRequest } from "./model-request.ts"

const names = ["notes", "background_tasks"]

function requestOf({ context }: MemoryRun): ModelRequest {
  return createModelRequest(context, { modelIndex: 0 })
}

/** Returns the texts of the messages of the user, which also have data and notes of the gateway. */
function textsOf({ messages }: ModelRequest): readonly string[] {
  return messages.map(textOf)
}

it.each(createForgeries("notes"))("frames the data of a plugin like %j before the message", (text) => {
  const background = [{ name: "notes", note: "These are notes.", values: [text, { [text]: text }] }]
  const [shown = ""] = textsOf(requestOf(createMemoryRun(scriptedProvider([]), { background })))
  const { outside, values } = readFrames(shown, names)
  expect(outside).toBe("Go.")
  expect(values).toEqual([text, { [text]: text }])
})

it.each(createForgeries("background_tasks"))("frames a task like %j in the note of open tasks", (text) => {
  const run = createMemoryRun(scriptedProvider([]))
  run.recall({
    ...{ type: "taskRegistered", taskId: "task_1", toolCallId: "call_1", name: text, description: text },
    ...{ agent: "agent", sessionId: "sess_2", reservedUsd: null, announce: false, startedAt: 0 },
  })
  const [message, note = ""] = textsOf(requestOf(run))
  expect(message).toBe("Go.")
  expect(note).toMatch(/^\[Note of the gateway, not of the user: /)
  const { outside, values } = readFrames(note, names)
  expect(outside).not.toContain(forged)
  expect(values).toEqual([{ task_id: "task_1", agent: text, state: "is running", task: text }])
})
