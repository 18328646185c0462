import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { installRealModel, realModelFile } from "../../scripts/install-real-model.ts"
import { assemble, ids, types } from "../end-to-end/support/assemble.ts"
import type { EventStream, Frame } from "../end-to-end/support/event-stream.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { kill, startGateway } from "../end-to-end/support/gateway-process.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type SessionClient, startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { has, requires } from "../needs.ts"

const onEnd = atEndOfFile()
/** Output of the program in front of the model. */
let printed = ""

beforeEach(() => requires("realModel"))
beforeAll(async () => {
  if (!(await has("realModel"))) return
  await installRealModel()
  const program = fileURLToPath(new URL("server.mjs", import.meta.url))
  const child = spawn(process.execPath, [program, realModelFile], { stdio: ["pipe", "pipe", "inherit"] })
  child.stdout.on("data", (text: Buffer) => {
    printed += text.toString()
  })
  const exited = once(child, "exit")
  onEnd(async () => {
    child.kill("SIGKILL")
    await exited
  })
  await eventually("the model's server", () => /^http.*/m.exec(printed))
})

/** Starts a gateway whose model generates at most this many tokens for each message. */
async function serve(maxTokens: number) {
  const [baseURL = ""] = /^http.*/m.exec(printed) ?? []
  const folder = await temporaryFolder()
  const env = { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: "unused", MAX_TOKENS: String(maxTokens) }
  const start = () => startGateway({ agent: "real-model-agent.ts", folder, env })
  const gateway = await start()
  const before = printed.length
  return {
    gateway,
    start,
    session: await startSession(gateway.url),
    /** Resolves to the ends of this gateway's responses, once there are so many. */
    ends: (count: number) =>
      eventually("the end of the response", () => {
        const ends = printed.slice(before).match(/^ended \w+ \d+$/gm) ?? []
        return ends.length === count ? ends : null
      }),
  }
}

const question = "Name three colors."
/** The model responds to this one until it may not generate more tokens. */
const story = "Tell me a long story about a fox and a river."
const truncated = { terminal_disposition: "interrupted", reason: "max_tokens" }

/** Reads until the model has begun to respond. */
async function readSome(stream: EventStream): Promise<readonly Frame[]> {
  const frames: Frame[] = []
  while (assemble(frames).text.length < 30) {
    const frame = await stream.next()
    if (frame === null) throw new Error("The response has ended.")
    frames.push(frame)
  }
  return frames
}

/** Resolves to the texts of the session's messages. A message that says how a run ended has none. */
async function texts({ history }: SessionClient): Promise<readonly string[]> {
  const { messages } = await history()
  const all = messages.map(({ content }) =>
    content.map((block) => ("text" in block ? block.text : "")).join(""),
  )
  return all.filter((text) => text !== "")
}

test("a real model responds, and its next response follows the conversation", async () => {
  const { session, ends } = await serve(100)
  const frames = await (await session.chat(question)).rest()
  const { text, terminal } = assemble(frames)
  expect(text).toMatch(/\w+ \w+ \w+/)
  expect(types(frames).filter((type) => type === "text_delta").length).toBeGreaterThan(1)
  const next = assemble(await (await session.chat(story)).rest())
  expect(next.terminal).toMatchObject({ ...truncated, usage: { output_tokens: 100 } })
  const [first = "", second] = await ends(2)
  const [, tokens] = /^ended eogToken (\d+)$/.exec(first) ?? []
  expect(terminal).toMatchObject({
    terminal_disposition: "completed",
    usage: { output_tokens: Number(tokens) },
  })
  expect(second).toBe("ended maxTokens 100")
  expect(await texts(session)).toEqual([question, text, story, next.text])
})

test("a stop during a response ends the model's work, and keeps what the client has seen", async () => {
  const { session, ends } = await serve(1_500)
  const stream = await session.chat(story)
  const some = await readSome(stream)
  await session.cancel()
  const { text, terminal } = assemble([...some, ...(await stream.rest())])
  expect(terminal).toMatchObject({ terminal_disposition: "interrupted", reason: "cancelled" })
  expect(await ends(1)).toEqual([expect.stringMatching(/^ended abort \d+$/)])
  expect(await texts(session)).toEqual([story, text])
})

test("a page that is reloaded during a response shows the same text as one that stays", async () => {
  const { session, ends } = await serve(300)
  const stays = await session.chat(story)
  const leaves = await session.subscribe({ afterSeq: 0 })
  await readSome(leaves)
  await leaves.close()
  const reloaded = assemble(await (await session.subscribe({ afterSeq: 0 })).rest())
  const { text, terminal } = assemble(await stays.rest())
  expect(terminal).toMatchObject(truncated)
  expect(reloaded).toMatchObject({ text, terminal })
  expect(await ends(1)).toEqual(["ended maxTokens 300"])
  expect(await texts(session)).toEqual([story, text])
})

test("a response during which the gateway is killed starts again after the restart", async () => {
  const { gateway, start, session, ends } = await serve(300)
  const stream = await session.chat(story)
  const before = await readSome(stream)
  await kill(gateway)
  const last = await stream.restOrBreak()
  const seen = [...before, ...last]
  const next = session.at((await start()).url)
  const after = await (await next.subscribe({ afterSeq: ids(seen).at(-1) ?? 0 })).rest()
  const { text, terminal } = assemble([...seen, ...after])
  expect(types(after)[0]).toBe("stream_retry")
  expect(terminal).toMatchObject(truncated)
  expect(assemble(await (await next.subscribe({ afterSeq: 0 })).rest())).toMatchObject({ text, terminal })
  expect((await ends(2)).toSorted()).toEqual([expect.stringMatching(/^ended abort/), "ended maxTokens 300"])
  expect(await texts(next)).toEqual([story, text])
})
