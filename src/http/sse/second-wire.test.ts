import { OpenAPIHono } from "@hono/zod-openapi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { systemClock } from "../../core/clock.ts"
import type { Entry } from "../../core/entries.ts"
import { Feed } from "../../sessions/feed.ts"
import { silentLogger } from "../../sessions/fixtures/test-gateway.ts"
import { ReadQueue } from "../../sessions/read-queue.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import { viewSession } from "../../sessions/view.ts"
import { jsonLinesWire } from "../fixtures/json-lines-wire.ts"
import { type RecordedSession, recordedSession } from "../fixtures/recorded-session.ts"
import { serve, type TestServer } from "../fixtures/serve.ts"
import type { HttpEnv } from "../http-env.ts"
import { nativeWire } from "../wire/native.ts"
import type { Wire } from "../wire/wire.ts"
import { eventStreams, streamed } from "./event-streams.ts"

let recorded: RecordedSession
beforeAll(async () => {
  recorded = await recordedSession()
})
afterAll(() => recorded.close())

/** Streams of a recorded session: `GET /NAME/CURSOR` on the wire of that name. */
function appOf(wires: readonly Wire[]): OpenAPIHono<HttpEnv> {
  const { log, sessionId } = recorded
  const parts = { log, feed: new Feed(), reads: new ReadQueue(log) }
  const view: Sessions["view"] = (id, options) => viewSession(parts, id, options)
  const app = new OpenAPIHono<HttpEnv>()
  app.use(
    eventStreams({
      sessions: { view },
      clock: systemClock,
      logger: silentLogger,
      heartbeatMs: 60_000,
      viewersPerSession: 100,
    }),
  )
  for (const wire of wires) {
    app.get(`/${wire.name}/:cursor`, (c) => {
      const principal = { tenant: "tenant", userId: "user" }
      return streamed(c, wire, { sessionId, principal, afterSeq: Number(c.req.param("cursor")) })
    })
  }
  return app
}

describe.each([
  ["as a web stream", { own: false }],
  ["to Node's own response", { own: true }],
])("a second wire, written %s", (_, served) => {
  let server: TestServer
  let entries: readonly Entry[]
  beforeAll(async () => {
    const app = appOf([nativeWire, jsonLinesWire])
    server = await serve({ handle: (request, bindings) => app.fetch(request, bindings) }, served)
    entries = await recorded.log.read(recorded.sessionId, { afterSeq: 0, limit: 1_000 })
  })
  afterAll(() => server.close())

  const stream = async (name: string, afterSeq: number) => fetch(`${server.url}/${name}/${afterSeq}`)
  const lines = async (afterSeq: number) => {
    const text = await (await stream("json-lines", afterSeq)).text()
    return text.split("\n").slice(0, -1)
  }

  it("has its own content type and its own bytes, beside the native wire on the same session", async () => {
    const responses = [await stream("native", 0), await stream("json-lines", 0)]
    expect(responses.map(({ headers }) => headers.get("content-type"))).toEqual([
      "text/event-stream",
      "application/x-ndjson",
    ])
    const [native, jsonLines] = await Promise.all(responses.map((response) => response.text()))
    expect(native).toMatch(/^id: \d+\ndata: \{/)
    // `historyReplaced` is shown to no subscriber.
    const shown = entries.filter((entry) => entry.kind === "delta" || entry.event.type !== "historyReplaced")
    const parsed = jsonLines
      ?.split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).entry)
    expect(parsed).toEqual(shown)
  })

  it("is resumed from every cursor with exactly what follows it", async () => {
    const whole = await lines(0)
    expect(whole.length).toBeGreaterThan(30)
    expect(whole.map((line) => JSON.parse(line).place).filter((place) => place === 1)).toHaveLength(2)
    const cursors = entries.flatMap(({ seq }) => [seq - 1, seq])
    for (const cursor of cursors) {
      const rest = whole.filter((line) => JSON.parse(line).entry.seq > cursor)
      expect([cursor, await lines(cursor)]).toEqual([cursor, rest])
    }
  })
})
