import { describe, expect, test } from "vitest"
import type { UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { assemble, ids, types } from "./support/assemble.ts"
import { type ChoppyOptions, followByEventSource, followByHand } from "./support/choppy-client.ts"
import type { Frame } from "./support/event-stream.ts"
import { type GatewayProcess, kill, startGateway } from "./support/gateway-process.ts"
import { answers, gate, pausing, says, startModel, words } from "./support/model.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const cutAfter = 5

interface Ride {
  readonly follow: (options: ChoppyOptions) => Promise<readonly Frame[]>
  readonly script: readonly UpstreamReply[]
  /** Called once, when the client receives this text. */
  readonly interruption?: { readonly at: string; readonly by: (gateway: GatewayProcess) => Promise<void> }
}

/** Resolves to the events of one run that such a client receives, and those that a later client receives. */
async function ride({ follow, script, interruption }: Ride) {
  const model = await startModel(script)
  const folder = await temporaryFolder()
  const gateway = await startGateway({ folder, model, env: { GRACE_MS: "0" } })
  let session = await startSession(gateway.url)
  await (await session.chat("Go")).close()
  let connections = 0
  let restarting: Promise<void> | null = null
  const restart = async () => {
    await interruption?.by(gateway)
    const next = await startGateway({ folder, model })
    session = session.at(next.url)
  }
  const seen = await follow({
    cutAfter,
    current() {
      connections++
      return session
    },
    onFrame({ event }) {
      if (event.type === "text_delta" && event.text === interruption?.at) restarting ??= restart()
    },
  })
  await restarting
  if (interruption !== undefined) expect(restarting).not.toBeNull()
  expect(connections).toBeGreaterThan(seen.length / cutAfter)
  return { seen, whole: await (await session.subscribe({ afterSeq: 0 })).rest(), model }
}

function expectEachOnceInOrder(frames: readonly Frame[]): void {
  const seen = ids(frames)
  expect(seen).toHaveLength(frames.length)
  expect(seen).toEqual([...new Set(seen)].sort((left, right) => left - right))
}

describe.each([
  ["eventsource-parser", followByHand],
  ["eventsource", followByEventSource],
] as const)("a client on %s that is disconnected every five events", (_name, follow) => {
  test("receives every id once, in order, to the terminal event", async () => {
    const withCall = answers([
      { type: "text", text: words(23) },
      { type: "toolCall", name: "add", input: { a: 1, b: 2 } },
    ])
    // The responses are slow enough that the run is still open.
    const script = [withCall, says(...words(14))].map((reply) => ({ ...reply, delayMs: 10 }))
    const { seen, whole } = await ride({ follow, script })
    expectEachOnceInOrder(seen)
    expect(seen).toEqual(whole)
    expect(types(seen).filter((type) => type !== "text_delta")).toEqual([
      ...["tool_call_start", "tool_call_complete", "turn_complete", "turn_complete", "stream_complete"],
    ])
  })

  test("even if the server is stopped and started in between", async () => {
    const interruption = {
      at: "w13 ",
      async by(gateway: GatewayProcess) {
        gateway.signal("SIGTERM")
        expect(await gateway.exited).toBe(0)
      },
    }
    const script = [pausing(words(40), 18, gate().opened), says(...words(30))]
    const { seen, whole, model } = await ride({ follow, script, interruption })
    expectEachOnceInOrder(seen)
    expect(seen).toEqual(whole)
    expect(types(seen).filter((type) => type === "stream_retry")).toHaveLength(1)
    expect(assemble(seen)).toMatchObject({
      text: words(30).join(""),
      terminal: { terminal_disposition: "completed" },
    })
    expect(model.requests).toHaveLength(2)
  })

  test("even if the server is killed and started in between", async () => {
    const script = [pausing(words(40), 18, gate().opened), says(...words(30))]
    const { seen, whole } = await ride({ follow, script, interruption: { at: "w13 ", by: kill } })
    expectEachOnceInOrder(seen)
    // Text that was shown but not stored when the server died is not in the log, and is discarded in any case.
    expect(seen).toEqual(expect.arrayContaining([...whole]))
    const text = words(30).join("")
    expect(assemble(seen)).toMatchObject({ text, terminal: { terminal_disposition: "completed" } })
    expect(assemble(whole)).toMatchObject({ text, terminal: { terminal_disposition: "completed" } })
  })
})
