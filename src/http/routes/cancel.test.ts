import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../fixtures/test-app.ts"

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
  ])("cancels nothing for %j, and names the field", async (body, path) => {
    const { app, headers } = await appThatCancels()
    const response = await app.fetch("/api/chat/cancel", createJsonRequest(body, headers))
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ errors: [{ path }] })
    expect(app.sessions.cancels).toEqual([])
  })
})
