import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, test } from "vitest"
import { installClaudeAgentSdk } from "../../scripts/install-claude-agent-sdk.ts"
import { type CliProcess, startCli } from "../cli-process.ts"
import { assemble, ids, types } from "./support/assemble.ts"
import type { Frame } from "./support/event-stream.ts"
import { kill } from "./support/gateway-process.ts"
import { type SessionClient, startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

interface Served {
  readonly cli: CliProcess
  readonly session: SessionClient
  /** Restarts the gateway after `kill -9`. Resolves to the same session. */
  readonly restarted: () => Promise<SessionClient>
}

/** Runs `agent-gateway start` on an example. */
async function serve(name: string): Promise<Served> {
  const cwd = await temporaryFolder()
  const file = fileURLToPath(new URL(`../../examples/${name}/agent.ts`, import.meta.url))
  const start = async () => {
    const cli = startCli(["start", file, "--port", "0"], { cwd })
    const [, url = ""] = await cli.printed(/^Listening on (http:\S+)\n/m)
    return { cli, url }
  }
  const { cli, url } = await start()
  const session = await startSession(url)
  const restarted = async () => {
    await kill(cli)
    return session.at((await start()).url)
  }
  return { cli, session, restarted }
}

type Question = Extract<Frame["event"], { type: "tool_approval_request" }>

/** Sends an order to the stand-in model, and reads until it asks for an approval. */
async function order(session: SessionClient) {
  const stream = await session.chat("order 3 kettle")
  const frames = await stream.until(({ event }) => event.type === "tool_approval_request")
  const question = frames.at(-1)?.event as Question
  return { stream, frames, question }
}

const answer = (session: SessionClient, { tool_call_id, nonce }: Question, decision: object) =>
  session.post("/chat/tool-approval", { tool_call_id, nonce, ...decision })

const resultsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ event }) => (event.type === "tool_call_complete" ? [event] : []))

beforeAll(installClaudeAgentSdk)

const examples = ["12-ai-sdk-agent", "13-openai-agents-sdk", "14-langgraph", "16-claude-agent"]

describe.each(examples)("the agent of %s", (name) => {
  test("streams, asks before it orders, and orders once it is allowed", async () => {
    const { session } = await serve(name)
    const { stream, frames, question } = await order(session)
    expect(frames.filter(({ event }) => event.type === "text_delta").length).toBeGreaterThan(1)
    expect(assemble(frames).text).toBe("I order kettle.")
    expect(question).toMatchObject({ tool_name: "place_order", tool_input: { product: "kettle", pieces: 3 } })
    expect((await answer(session, question, { approved: true })).status).toBe(200)
    const rest = await stream.rest()
    expect(resultsOf(rest)).toMatchObject([{ error: null, result: { ordered: 3, product: "kettle" } }])
    const { text, terminal } = assemble([...frames, ...rest])
    expect(text).toMatch(/^I order kettle\.The shop says: .*kettle/)
    expect(terminal).toMatchObject({ type: "stream_complete", terminal_disposition: "completed" })
  })

  test("is answered by people after the server was killed, with other arguments", async () => {
    const { session, restarted } = await serve(name)
    const { frames, question } = await order(session)
    const again = await restarted()
    const misfit = await answer(again, question, { approved: true, tool_input: { product: "kettle" } })
    expect(misfit.status).toBe(422)
    const edited = { product: "kettle", pieces: 1 }
    expect((await answer(again, question, { approved: true, tool_input: edited })).status).toBe(200)
    const rest = await (await again.subscribe({ afterSeq: ids(frames).at(-1) ?? 0 })).rest()
    expect(resultsOf(rest)).toMatchObject([{ error: null, result: { ordered: 1, product: "kettle" } }])
    expect(types(rest).at(-1)).toBe("stream_complete")
    expect(assemble(rest).text).toContain("The shop says: ")
  })

  test("receives the reason for which an order was denied", async () => {
    const { session } = await serve(name)
    const { stream, question } = await order(session)
    await answer(session, question, { approved: false, reason: "not today" })
    const rest = await stream.rest()
    expect(resultsOf(rest)).toMatchObject([
      { error: { code: "denied", message: "This call was denied: not today" } },
    ])
    expect(assemble(rest).text).toContain("not today")
  })

  test("stops during its text, and continues with the next message", async () => {
    const { session } = await serve(name)
    const stream = await session.chat("count")
    const counted = await stream.until(
      ({ event }) => event.type === "text_delta" && event.text.startsWith("7"),
    )
    await session.cancel()
    const rest = await stream.rest()
    expect(rest.at(-1)?.event).toMatchObject({ terminal_disposition: "interrupted", reason: "cancelled" })
    expect(assemble([...counted, ...rest]).text).toMatch(/^0 1 2 3 4 5 6 7 /)
    const { question } = await order(session)
    expect(question.tool_input).toEqual({ product: "kettle", pieces: 3 })
  })

  test("starts its response again after it was killed in the middle", async () => {
    const { session, restarted } = await serve(name)
    // Matches the complete word, because "70 " and more words may follow before the kill.
    const isSeven = ({ event }: Frame) => event.type === "text_delta" && event.text === "7 "
    const before = await (await session.chat("count")).until(isSeven)
    const again = await restarted()
    const stream = await again.subscribe({ afterSeq: ids(before).at(-1) ?? 0 })
    const after = await stream.until(isSeven)
    expect(types(after)).toContain("stream_retry")
    expect(assemble([...before, ...after]).text).toBe("0 1 2 3 4 5 6 7 ")
    await again.cancel()
    expect(types(await stream.rest()).at(-1)).toBe("stream_complete")
  })

  test("needs no further approval for a tool that was allowed for the session", async () => {
    const { session } = await serve(name)
    const { stream, question } = await order(session)
    await answer(session, question, { approved: true, allow_tool_type: true })
    await stream.rest()
    const frames = await (await session.chat("order 2 mug")).rest()
    expect(types(frames)).not.toContain("tool_approval_request")
    expect(resultsOf(frames)).toMatchObject([{ result: { ordered: 2, product: "mug" } }])
  })
})
