import { describe, expect, it } from "vitest"
import { createText, runCompleted, stepStarted } from "../../../http/fixtures/entries.ts"
import { readFrames } from "../../../http/fixtures/frames.ts"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

async function appWithLog() {
  const app = createTestApp()
  const { sessionId, headers } = await app.authorize()
  app.sessions.publish(stepStarted, createText("a"), createText("b"))
  app.sessions.publish(createText("c"), runCompleted)
  app.sessions.change(sessionId, { lastSeq: 5 })
  const subscribe = (query = "", more: Record<string, string> = {}) =>
    app.fetch(`/api/chat/subscribe${query}`, { headers: { ...headers, ...more } })
  return { app, sessionId, subscribe }
}

describe("GET /chat/subscribe", () => {
  it("answers 429 to more viewers of a session than may watch it at once, until one leaves", async () => {
    const app = createTestApp({ limits: { viewersPerSession: 2 } })
    const { sessionId, headers } = await app.authorize()
    app.sessions.change(sessionId, { lastSeq: 5 })
    const subscribe = () => app.fetch("/api/chat/subscribe", { headers })
    const viewers = [await subscribe(), await subscribe()]
    expect(await readProblem(await subscribe())).toMatchObject({ status: 429, code: "too_many_viewers" })
    const chat = await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, headers))
    expect(await readProblem(chat)).toMatchObject({ status: 429, code: "too_many_viewers" })
    expect(app.sessions.starts).toEqual([])
    await viewers[0]?.body?.cancel()
    viewers.push(await subscribe())
    expect(viewers[2]?.status).toBe(200)
    app.sessions.end()
    await viewers[1]?.text()
    expect((await subscribe()).status).toBe(200)
  })

  it.each<[string, string, Record<string, string>, string[]]>([
    ["from the start without a cursor", "", {}, ["2", "3", "4", "5"]],
    ["from the start for 0", "?after_seq=0", {}, ["2", "3", "4", "5"]],
    ["after after_seq", "?after_seq=3", {}, ["4", "5"]],
    ["after Last-Event-ID", "", { "last-event-id": "4" }, ["5"]],
    ["after the larger when there are both", "?after_seq=2", { "last-event-id": "4" }, ["5"]],
    ["after the larger when after_seq is it", "?after_seq=4", { "last-event-id": "2" }, ["5"]],
  ])("shows everything %s", async (_, query, headers, ids) => {
    const { subscribe } = await appWithLog()
    const response = await subscribe(query, headers)
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/event-stream")
    expect((await readFrames(response)).map(({ id }) => id)).toEqual(ids)
  })

  it.each(["-1", "1.5", "1e3", "abc", "", "%20", "9007199254740992", "NaN", "0x10", "1&after_seq=2"])(
    "answers 400 to after_seq=%s",
    async (value) => {
      const { subscribe } = await appWithLog()
      const response = await subscribe(`?after_seq=${value}`)
      expect(response.status).toBe(400)
      expect(await readProblem(response)).toMatchObject({ code: "invalid_cursor", detail: /after_seq/ })
    },
  )

  it("answers 400 to an invalid Last-Event-ID", async () => {
    const { subscribe } = await appWithLog()
    const response = await subscribe("", { "last-event-id": "-1" })
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_cursor" })
  })

  it("answers 204 when no event follows and no run is open", async () => {
    const { subscribe } = await appWithLog()
    for (const cursor of ["5", "6", "9007199254740991"]) {
      const response = await subscribe(`?after_seq=${cursor}`)
      expect(response.status).toBe(204)
      expect(response.body).toBeNull()
    }
  })

  it("waits when no event follows but a run is open", async () => {
    const { app, sessionId, subscribe } = await appWithLog()
    const activeRun = { id: "run_1", sessionId, cursor: 5, state: "open", endSeq: null } as const
    app.sessions.change(sessionId, { activeRun })
    const response = await subscribe("?after_seq=5")
    expect(response.status).toBe(200)
    app.sessions.publish(createText("d"))
    expect((await readFrames(response)).map(({ id }) => id)).toEqual(["6"])
  })

  it("needs a token", async () => {
    expect((await createTestApp().fetch("/api/chat/subscribe")).status).toBe(401)
  })

  it("opens no view for a HEAD request", async () => {
    const app = createTestApp()
    const { sessionId, headers } = await app.authorize()
    app.sessions.change(sessionId, { lastSeq: 5 })
    const response = await app.fetch("/api/chat/subscribe", { method: "HEAD", headers })
    expect(response.status).toBe(200)
    expect(app.sessions.views).toEqual([])
  })
})
