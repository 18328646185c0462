import { lastAssistantMessageIsCompleteWithApprovalResponses as isDecided } from "ai"
import { afterAll, expect, it } from "vitest"
import { postgresStore } from "../../../src/gateway/service/open-store.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { startPostgres } from "../../end-to-end/support/postgres.ts"
import { createPay } from "../support/scripted-turns.ts"
import { key, startGateway } from "./support/gateway.ts"
import { callsOf, createChat, textOf } from "./support/headless-chat.ts"

const ends: (() => unknown)[] = []
const postgres = await startPostgres((end) => ends.push(end))
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

it("a chat on another node shows the same message in the middle of it, and answers its approval", async () => {
  const gate = Promise.withResolvers<void>()
  const { pay, paid } = createPay()
  const provider = scriptedProvider([
    [
      { type: "thinking", text: "Hm." },
      { type: "text", text: "I " },
      { type: "wait", until: gate.promise },
      { type: "text", text: "ask. " },
      { type: "toolCall", name: "pay", input: { to: "Ann" } },
    ],
    [{ type: "text", text: "Paid." }],
  ])
  const database = await postgres.createDatabase("chats")
  const open = () =>
    startGateway({ provider, tools: [pay] }, { store: postgresStore(database), jwtSecret: "x".repeat(32) })
  const [here, there] = [await open(), await open()]
  const one = createChat({ url: here.url, key, id: "chat-1" })
  const sending = one.chat.sendMessage({ text: "Pay Ann" })
  await expect.poll(() => textOf(one.chat.lastMessage)).toBe("I ")
  const other = createChat({ url: there.url, key, id: "chat-1", sendAutomaticallyWhen: isDecided })
  const resuming = other.chat.resumeStream()
  await expect.poll(() => textOf(other.chat.lastMessage)).toBe("I ")
  gate.resolve()
  await Promise.all([sending, resuming])
  expect(other.chat.lastMessage).toEqual(one.chat.lastMessage)
  const [asked] = callsOf(other.chat.lastMessage)
  expect(asked).toMatchObject({ state: "approval-requested", input: { to: "Ann" } })
  await other.chat.addToolApprovalResponse({ id: asked?.approval?.id ?? "", approved: true })
  await expect.poll(() => textOf(other.chat.lastMessage)).toBe("I ask. Paid.")
  expect(paid).toEqual([{ to: "Ann" }])
  const late = createChat({ url: here.url, key, id: "chat-1" })
  await late.chat.resumeStream()
  expect(late.chat.lastMessage?.parts).toEqual(other.chat.lastMessage?.parts)
  expect([...one.invalid, ...other.invalid, ...late.invalid]).toEqual([])
})
