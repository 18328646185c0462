import { expect, it, vi } from "vitest"
import { patienceMs } from "../../../test/patience.ts"
import type { StartRequest } from "../../kernel/sessions/sessions.ts"
import { FakeSessions } from "../fixtures/fake-sessions.ts"
import { createJsonRequest, createTestApp } from "../fixtures/test-app.ts"

/** Sessions whose starts wait until the test ends them. */
class HoldingSessions extends FakeSessions {
  readonly held: (() => void)[] = []

  override async start(request: StartRequest) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.held.push(resolve)
    await promise
    return super.start(request)
  }
}

const patience = { timeout: patienceMs }
const large = { message: "x".repeat(1_000_000) }

async function startUsers(parsedBytes: number) {
  const sessions = new HoldingSessions()
  const app = createTestApp({ parsedBytes, sessions })
  const post = async (user: string, body: object) => {
    const init = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "key", user_id: user }))
    const { session_token } = (await init.json()) as { session_token: string }
    const headers = { authorization: `Bearer ${session_token}` }
    const response = await app.fetch("/api/chat", createJsonRequest(body, headers))
    await response.body?.cancel()
    return response.status
  }
  return { sessions, post }
}

it("handles large bodies of several users one after the other if their memory is limited", async () => {
  const { sessions, post } = await startUsers(4_000_000)
  const posts = ["a", "b", "c"].map((user) => post(user, large))
  for (let count = 1; count <= posts.length; count++) {
    await vi.waitFor(() => expect(sessions.held).toHaveLength(count), patience)
    // A small body does not wait.
    const small = post(`small ${count}`, { message: "hello" })
    await vi.waitFor(() => expect(sessions.held).toHaveLength(count + 1), patience)
    sessions.held.pop()?.()
    expect(await small).toBe(200)
    expect(sessions.held).toHaveLength(count)
    sessions.held.at(-1)?.()
  }
  expect(await Promise.all(posts)).toEqual([200, 200, 200])
})

it("handles large bodies at once if their memory allows it", async () => {
  const { sessions, post } = await startUsers(16_000_000)
  const posts = ["a", "b", "c"].map((user) => post(user, large))
  await vi.waitFor(() => expect(sessions.held).toHaveLength(3), patience)
  for (const end of sessions.held) end()
  expect(await Promise.all(posts)).toEqual([200, 200, 200])
})
