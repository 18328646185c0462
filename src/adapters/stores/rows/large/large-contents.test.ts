import { expect, it } from "vitest"
import { countTurns } from "../../../../core/fixtures/count-turns.ts"
import type { StoredCommand } from "../../../../core/ports/store/session-log.ts"
import { createMessage } from "../../../../testing/session-log/fixtures.ts"
import { makeLargeContents, noLargeContents, writeCommandText } from "./large-contents.ts"

const large = [{ type: "text", text: 'a"名\n'.repeat(100_000) }] as const
const small = [{ type: "text", text: "Go on." }] as const
const messages = [
  { role: "user", content: large },
  { role: "user", content: small },
] as const

it("creates no text for small messages and cancels", async () => {
  expect(await makeLargeContents(createMessage("sess_1"))).toBe(noLargeContents)
  expect(await makeLargeContents({ type: "cancel", sessionId: "sess_1", runId: null, at: 0 })).toBe(
    noLargeContents,
  )
})

it("creates the texts that a put may store", async () => {
  const input = { type: "conversation", messages: [...messages, { role: "user", content: large }] } as const
  const texts = async (whenBusy: "reject" | "queue") => [
    ...(await makeLargeContents(createMessage("sess_1", { input, whenBusy }))).keys(),
  ]
  expect(await texts("reject")).toEqual([input.messages])
  expect(await texts("queue")).toEqual([large, input.messages])
})

it.each<StoredCommand>([
  createMessage("sess_1", { input: { type: "message", content: large }, context: { channel: "web" } }),
  createMessage("sess_1", { input: { type: "conversation", messages } }),
  { type: "steer", sessionId: "sess_1", runId: "run_1", at: 1, content: large },
])("inserts them into the command that contains them ($type)", async (command) => {
  const put =
    command.type === "message"
      ? command
      : createMessage("sess_1", { input: { type: "message", content: large } })
  const text = writeCommandText(command, await makeLargeContents(put))
  expect(JSON.parse(text)).toEqual(command)
})

it("yields to the event loop meanwhile", async () => {
  const content = [{ type: "text", text: "x".repeat(4_000_000) }] as const
  const message = createMessage("sess_1", { input: { type: "message", content } })
  const { turns } = await countTurns(() => makeLargeContents(message))
  expect(turns).toBeGreaterThanOrEqual(30)
})
