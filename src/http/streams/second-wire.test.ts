import { OpenAPIHono } from "@hono/zod-openapi"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { LiveEntry } from "../../core/log/entries.ts"
import { certainHold } from "../../core/ports/run/hold.ts"
import { systemClock } from "../../core/time/clock.ts"
import { silentLogger } from "../../kernel/sessions/fixtures/test-gateway.ts"
import { Feed } from "../../kernel/sessions/reading/feed.ts"
import { ReadQueue } from "../../kernel/sessions/reading/read-queue.ts"
import { StoreTails } from "../../kernel/sessions/reading/store-tails.ts"
import { viewSession } from "../../kernel/sessions/reading/view.ts"
import { type ViewEnd, viewEnds } from "../../kernel/sessions/reading/view-end.ts"
import type { Sessions, TreeViewOptions, ViewOptions } from "../../kernel/sessions/sessions.ts"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import { jsonLinesWire } from "../fixtures/json-lines-wire.ts"
import { createRecordedSession, type RecordedSession } from "../fixtures/recorded-session.ts"
import { serve, type TestServer } from "../fixtures/serve.ts"
import type { HttpEnv } from "../http-env.ts"
import { createEventStreams } from "./stream-response.ts"
import type { Wire } from "./wire.ts"

let recorded: RecordedSession
beforeAll(async () => {
  recorded = await createRecordedSession()
})
afterAll(() => recorded.close())

/** Returns an app with streams of a recorded session: `GET /NAME/CURSOR` on the wire of that name. */
function appOf(wires: readonly Wire[], sessions?: Pick<Sessions, "viewTree">): OpenAPIHono<HttpEnv> {
  const { log, sessionId } = recorded
  const [feed, reads] = [new Feed(), new ReadQueue(log)]
  const parts = {
    log,
    feed,
    reads,
    tails: new StoreTails({ log, feed, reads }),
    session: log.session,
    hold: certainHold,
  }
  const viewTree: Sessions["viewTree"] = (id, options) => viewSession(parts, id, options)
  const app = new OpenAPIHono<HttpEnv>()
  const streams = createEventStreams({
    sessions: sessions ?? { viewTree },
    observers: {},
    clock: systemClock,
    logger: silentLogger,
    heartbeatMs: 60_000,
    viewersPerSession: 100,
  })
  for (const wire of wires) {
    app.get(`/${wire.name}/:cursor`, (c) => {
      const principal = { tenant: "tenant", userId: "user" }
      c.set("caller", {
        ...{ principal, credential: "authenticate", session: null, agent: null },
        isRevoked: async () => false,
        requireUnrevoked: async () => {},
      })
      const afterSeq = Number(c.req.param("cursor"))
      // The state of both wires counts something, from a number.
      const place = c.req.query("place")
      const opening = place === undefined ? {} : { opening: [Number(place), ['{"opened":true}']] as const }
      return streams.respond(c, sessionId, async () => ({ wire, sessionId, principal, afterSeq, ...opening }))
    })
  }
  return app
}

describe.each([
  ["as a web stream", { own: false }],
  ["to Node's own response", { own: true }],
])("a second wire, written %s", (_, served) => {
  let server: TestServer
  let entries: readonly LiveEntry[]
  beforeAll(async () => {
    const states = {
      ...jsonLinesWire,
      name: "states",
      fold: (state: number) => [state, [`${state}`]] as const,
    }
    const app = appOf([nativeWire, jsonLinesWire, states])
    server = await serve({ handle: (request, bindings) => app.fetch(request, bindings) }, served)
    entries = await recorded.log.read(recorded.sessionId, { afterSeq: 0, limit: 1_000 })
  })
  afterAll(() => server.close())

  const stream = async (name: string, afterSeq: number) => fetch(`${server.url}/${name}/${afterSeq}`)
  const lines = async (afterSeq: number) => {
    const text = await (await stream("json-lines", afterSeq)).text()
    return text.split("\n").slice(0, -1)
  }

  it("has its own content type and its own bytes, next to the native wire on the same session", async () => {
    const responses = [await stream("native", 0), await stream("json-lines", 0)]
    expect(responses.map(({ headers }) => headers.get("content-type"))).toEqual([
      "text/event-stream",
      "application/x-ndjson",
    ])
    const [native, jsonLines] = await Promise.all(responses.map((response) => response.text()))
    expect(native).toMatch(/^id: \d+\ndata: \{/)
    // Subscribers never receive `historyReplaced`.
    const shown = entries.filter((entry) => entry.kind !== "event" || entry.event.type !== "historyReplaced")
    const parsed = jsonLines
      ?.split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).entry)
    expect(parsed).toEqual(shown)
  })

  it("starts with the frames and the state that its route gives it", async () => {
    const text = await (await fetch(`${server.url}/states/0?place=40`)).text()
    const [first, ...rest] = text.split("\n").slice(0, -1)
    expect(first).toBe('{"opened":true}')
    expect([...new Set(rest)]).toEqual(["40"])
  })

  it("resumes from every cursor with exactly the later events", async () => {
    const whole = await lines(0)
    expect(whole.length).toBeGreaterThan(30)
    expect(whole.map((line) => JSON.parse(line).place).filter((place) => place === 1)).toHaveLength(2)
    const cursors = entries.flatMap(({ seq }) => [seq - 1, seq])
    for (const cursor of cursors) {
      const rest = whole.filter((line) => JSON.parse(line).entry.seq > cursor)
      expect([cursor, await lines(cursor)]).toEqual([cursor, rest])
    }
  })

  it("shares each rendering between the subscribers of its wire, and none with those of another", async () => {
    const folds = { native: 0, lines: 0 }
    const counted = <State>(wire: Wire<State>, name: keyof typeof folds): Wire<State> => ({
      ...wire,
      fold(state, entry) {
        folds[name] += 1
        return wire.fold(state, entry)
      },
    })
    const feed = new Feed()
    const wires = [counted(nativeWire, "native"), counted(jsonLinesWire, "lines")]
    const app = appOf(wires, { viewTree: (_id, options) => live(feed, options) })
    const own = await serve({ handle: (request, bindings) => app.fetch(request, bindings) }, served)
    const responses = await Promise.all(
      wires.flatMap(({ name }) => Array.from({ length: 10 }, () => fetch(`${own.url}/${name}/0`))),
    )
    await vi.waitUntil(() => subscribers(feed) === 20)
    const writer = feed.openWriter("sess_live", () => [])
    for (const entry of entries) writer.publish(entry)
    // Closing the feed delivers all published entries before it ends the subscriptions.
    feed.close()
    const texts = await Promise.all(responses.map((response) => response.text()))
    expect(folds).toEqual({ native: entries.length, lines: entries.length })
    expect(new Set(texts.slice(0, 10)).size).toBe(1)
    expect(new Set(texts.slice(10)).size).toBe(1)
    await own.close()
  })

  it.each([
    [{ type: "complete" }, "[DONE] complete\n"],
    [{ type: "parked", waits: [] }, "[DONE] parked\n"],
  ] as const)("ends with the last frames of its wire after %j", async (end, last) => {
    const wire: Wire<number> = {
      ...jsonLinesWire,
      endsWhenParked: true,
      end: (place, { type }) => (place === 1 ? [`[DONE] ${type}`] : []),
    }
    const asked: (object | undefined)[] = []
    async function* view(_id: string, { untilParked }: TreeViewOptions) {
      asked.push(untilParked)
      const delta = { type: "textDelta", stepId: "s", messageId: "m", part: 0, text: "Half" } as const
      yield [{ kind: "delta", seq: 1, runId: "run_1", delta } as const]
      return end
    }
    const app = appOf([wire], { viewTree: view })
    const own = await serve({ handle: (request, bindings) => app.fetch(request, bindings) }, served)
    const text = await (await fetch(`${own.url}/json-lines/0`)).text()
    expect(text.endsWith(last)).toBe(true)
    expect(asked).toEqual([{}])
    await own.close()
  })

  it("waits for a client that does not read, and loses nothing", async () => {
    const megabyte = "x".repeat(1_000_000)
    const total = 60
    let taken = 0
    async function* large(): AsyncGenerator<readonly LiveEntry[], ViewEnd> {
      for (; taken < total; taken++) {
        const delta = { type: "textDelta", stepId: "s", messageId: "m", part: 0, text: megabyte } as const
        yield [{ kind: "delta", seq: taken + 1, runId: "run_1", delta }]
      }
      return viewEnds.complete
    }
    const app = appOf([jsonLinesWire], { viewTree: large })
    const own = await serve({ handle: (request, bindings) => app.fetch(request, bindings) }, served)
    const response = await fetch(`${own.url}/json-lines/0`)
    let before = -1
    await vi.waitUntil(
      () => {
        const stalled = taken === before
        before = taken
        return stalled
      },
      { interval: 200 },
    )
    expect(taken).toBeLessThan(total / 2)
    const lines = (await response.text()).split("\n").slice(0, -1)
    expect(lines.map((line) => JSON.parse(line).entry.seq)).toEqual(
      Array.from({ length: total }, (_, index) => index + 1),
    )
    await own.close()
  })
})

/** Yields everything that is published while the subscriber is connected. */
async function* live(feed: Feed, { signal }: ViewOptions): AsyncGenerator<readonly LiveEntry[], ViewEnd> {
  const subscription = feed.subscribe("sess_live", signal)
  counts.set(feed, subscribers(feed) + 1)
  for (;;) {
    const item = subscription.next()
    if (item?.type === "batch") yield item.entries
    else if (item === null) await subscription.wait()
    else return viewEnds.complete
    if (signal.aborted) return viewEnds.left
  }
}

const counts = new WeakMap<Feed, number>()
const subscribers = (feed: Feed) => counts.get(feed) ?? 0
