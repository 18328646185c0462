import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

async function appThatCancels() {
  const app = createTestApp()
  const { headers } = await app.authorize()
  app.sessions.cancelOutcome = { status: "accepted", runId: "run_1", cursor: 0 }
  return { app, headers }
}

describe("POST /chat/cancel", () => {
  it("names the canceled run", async () => {
    const { app, headers } = await appThatCancels()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest({ run_id: "run_1" }, headers))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "ok", run_id: "run_1" })
    expect(app.sessions.cancels).toEqual(["run_1"])
  })

  it("cancels any open run if none is named, with or without a body", async () => {
    const { app, headers } = await appThatCancels()
    const { authorization = "" } = headers
    for (const init of [
      createJsonRequest({}, headers),
      createJsonRequest("", headers),
      { method: "POST", headers: { authorization } },
    ]) {
      expect((await app.fetch("/api/chat/cancel", init)).status).toBe(200)
    }
    expect(app.sessions.cancels).toEqual([null, null, null])
  })

  it("withdraws a steering message, and cancels no run", async () => {
    const { app, headers } = await appThatCancels()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest({ message_id: "7" }, headers))
    expect(await response.json()).toEqual({ status: "ok", run_id: "run_1" })
    expect([app.sessions.withdrawnMessages, app.sessions.cancels]).toEqual([[7], []])
  })

  it("answers 404 for a steering message that has joined its run", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest({ message_id: "7" }, headers))
    expect(response.status).toBe(404)
    expect((await readProblem(response)).detail).toMatch("The message has joined its run")
  })

  it("answers 404 when no such run is open", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest({ run_id: "run_2" }, headers))
    expect(response.status).toBe(404)
    expect(await readProblem(response)).toMatchObject({ code: "no_active_run" })
  })

  it.each([
    [{ run_id: 1 }, "run_id"],
    [{ runId: "run_1" }, "runId"],
    [{ message_id: "x" }, "message_id"],
    [{ message_id: 7 }, "message_id"],
    [{ run_id: "run_1", message_id: "7" }, "message_id"],
  ])("cancels nothing for %j, and names the field", async (body, path) => {
    const { app, headers } = await appThatCancels()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest(body, headers))
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ errors: [{ path }] })
    expect(app.sessions.cancels).toEqual([])
  })
})
