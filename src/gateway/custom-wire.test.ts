import { afterEach, describe, expect, it } from "vitest"
import type { CustomWire, Wire } from "../exports/gateway.ts"
import type { LiveEntry } from "../exports/log.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"

const quiet = { logger: { debug() {}, info() {}, warn() {}, error() {} }, store: "memory" } as const

/** The state of a viewer, as the protocol's client has it: the run, and its text so far. */
interface Shown {
  readonly run: string | null
  readonly characters: number
}

let folds = 0

/** A format of plain lines: `+ text`, `? tool nonce` for a question, and a last line that says how the stream ended. */
const lines: Wire<Shown> = {
  name: "lines",
  contentType: "text/plain; charset=utf-8",
  replayFrom: "run",
  endsWhenParked: true,
  start: () => ({ run: null, characters: 0 }),
  isSame: (one, other) => one.run === other.run && one.characters === other.characters,
  fold(state, entry: LiveEntry) {
    folds++
    if (entry.kind === "delta" && entry.delta.type === "textDelta") {
      const { text } = entry.delta
      return [
        { run: entry.runId, characters: state.characters + text.length },
        [`${state.characters}+ ${text}`],
      ]
    }
    return [{ ...state, run: entry.runId }, []]
  },
  end: (_state, end) =>
    end.type === "parked"
      ? [...end.waits.map(({ toolCallId, nonce }) => `? ${toolCallId} ${nonce}`), "WAITING"]
      : ["DONE"],
  write: (frame, seq) => `${frame}${seq === null ? "" : ` @${seq}`}\n`,
  heartbeat: () => ".\n",
  queued: (_run, position) => [`queued ${position}`],
  failure: () => ["FAILED"],
  subAgents: null,
}

const linesWire: CustomWire = {
  name: "lines",
  routes: {
    "POST /lines": ({ body, start, stream }) => {
      const { text } = body as { text: string }
      return stream(lines, async () => ({
        run: await start({ content: text }),
        headers: { "x-wire": "lines" },
      }))
    },
    "POST /lines/answers": async ({ body, answer, run, stream }) => {
      const { id, after, answers } = body as {
        id: string
        after: number
        answers: { call: string; nonce: string }[]
      }
      await answer(
        answers.map(({ call, nonce }) => ({ kind: "approval", toolCallId: call, nonce, approved: true })),
      )
      const continued = await run(id)
      if (continued === null) return new Response("No such run.", { status: 404 })
      return stream(lines, async () => ({ run: continued, after }))
    },
    "GET /lines/:run": async ({ params, request, run, stream }) => {
      const found = await run(params.run ?? "")
      if (found === null) return new Response("No such run.", { status: 404 })
      const after = Number(new URL(request.url).searchParams.get("after") ?? 0)
      return stream(lines, async () => ({ run: found, after }))
    },
  },
}

const gateways: { close(options: { graceMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

async function serve(provider: ReturnType<typeof scriptedProvider>, paid: string[] = []) {
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: () => {
      paid.push("paid")
      return "paid"
    },
  })
  const gateway = createGateway({
    ...quiet,
    wires: { custom: [linesWire] },
    agents: { payer: { systemPrompt: "You pay.", provider, tools: [pay] } },
  })
  gateways.push(gateway)
  const { url } = await gateway.listen({ port: 0 })
  const post = (path: string, body: object, token?: string) =>
    fetch(`${url}/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
  const init = (await (await post("/chat/init", { api_key: "key" })).json()) as { session_token: string }
  const token = init.session_token
  const get = (path: string) => fetch(`${url}/api${path}`, { headers: { authorization: `Bearer ${token}` } })
  const runs = async () => (await gateway.sessions.runs({})).items
  return { gateway, post: (path: string, body: object) => post(path, body, token), get, runs, bare: post }
}

const split = (text: string) => text.split("\n").slice(0, -1)
/** Returns a line without the cursor at its end. */
const plain = (line: string) => line.replace(/ @\d+$/, "")

describe("a wire of the application", () => {
  it("streams a run in its own format, and ends it with a frame of its own", async () => {
    const { post, get, runs } = await serve(scriptedProvider([[{ type: "text", text: "Hello" }]]))
    const response = await post("/lines", { text: "Hi" })
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    expect(response.headers.get("x-wire")).toBe("lines")
    const shown = split(await response.text())
    expect(shown.map(plain).join("")).toMatch(/^0\+ Hello.*DONE$/)
    const [run] = await runs()
    expect(split(await (await get(`/lines/${run?.id}`)).text())).toEqual(shown)
    expect((await get("/lines/run_none")).status).toBe(404)
  })

  it("ends when the run waits, takes several answers together, and continues after the cursor", async () => {
    const paid: string[] = []
    const { post, runs } = await serve(
      scriptedProvider([
        [
          { type: "text", text: "I ask." },
          { type: "toolCall", name: "pay" },
          { type: "toolCall", name: "pay" },
        ],
        [{ type: "text", text: "Paid." }],
      ]),
      paid,
    )
    const first = split(await (await post("/lines", { text: "Pay" })).text())
    expect(first.at(-1)).toBe("WAITING")
    const asked = first.filter((line) => line.startsWith("? ")).map((line) => line.split(" "))
    expect(asked).toHaveLength(2)
    const after = Number(/ @(\d+)$/.exec(first.findLast((line) => line.includes(" @")) ?? "")?.[1])
    const answers = asked.map(([, call = "", nonce = ""]) => ({ call, nonce }))
    const [run] = await runs()
    const rest = split(await (await post("/lines/answers", { id: run?.id, after, answers })).text())
    expect(rest.map(plain)).toEqual(["6+ Paid.", "DONE"])
    expect(paid).toEqual(["paid", "paid"])
    const again = await post("/lines/answers", { id: run?.id, after, answers })
    expect(again.status).toBeGreaterThanOrEqual(404)
    expect(await again.json()).toHaveProperty("code")
  })

  it("shares renderings between its viewers, although their states are objects", async () => {
    const gate = Promise.withResolvers<void>()
    const words = Array.from({ length: 50 }, (_, index) => ({ type: "text", text: `w${index} ` }) as const)
    const { post, get, runs } = await serve(
      scriptedProvider([
        [{ type: "text", text: "First. " }, { type: "wait", until: gate.promise }, ...words],
      ]),
    )
    const reading = post("/lines", { text: "Hi" }).then((response) => response.text())
    const viewers: Promise<string>[] = []
    while ((await runs()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const [run] = await runs()
    for (let viewer = 0; viewer < 20; viewer++) {
      const response = await get(`/lines/${run?.id}`)
      viewers.push(response.text())
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    folds = 0
    gate.resolve()
    const texts = await Promise.all([reading, ...viewers])
    expect(new Set(texts).size).toBe(1)
    // Each entry is folded once for all 21 viewers.
    expect(folds).toBeLessThan(2 * words.length + 20)
  })

  it("requires a token, and is subject to the problems of a message", async () => {
    const until = new Promise(() => {})
    const { bare, post } = await serve(scriptedProvider([[{ type: "wait", until }]]))
    expect((await bare("/lines", { text: "Hi" })).status).toBe(401)
    const open = await post("/lines", { text: "Hi" })
    const busy = await post("/lines", { text: "And?" })
    expect(busy.status).toBe(409)
    expect(await busy.json()).toMatchObject({ code: "run_active" })
    await open.body?.cancel()
  })

  it("is refused at the start if its routes are taken or malformed", async () => {
    const options = { ...quiet, agents: { a: { systemPrompt: "Hi.", provider: "demo" } } } as const
    const wire = (route: string): CustomWire => ({ name: "mine", routes: { [route]: () => new Response() } })
    for (const route of ["POST /chat", "GET /health", "GET /chat/tasks/mine"]) {
      const taken = createGateway({ ...options, wires: { custom: [wire(route)] } })
      gateways.push(taken)
      await expect(taken.prepare()).rejects.toThrow(`wires: the route ${route} of mine is taken`)
    }
    expect(() => createGateway({ ...options, wires: { custom: [wire("chat")] } })).toThrow(
      "expected a method and a path",
    )
  })
})
