import { describe, expect, it } from "vitest"
import { listImages } from "../../../core/history/images.ts"
import type { ImagePart } from "../../../core/history/messages.ts"
import type { Event } from "../../../core/log/entries.ts"
import { type ScriptedStep, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const image = (data: string): ImagePart => ({
  type: "image",
  source: { type: "base64", mediaType: "image/png", data },
})
const call: ScriptedStep = { type: "toolCall", name: "draw" }
const say: ScriptedStep = { type: "text", text: "I see." }
const refused: ScriptedStep = { type: "failure", code: "invalid_request", refusedPart: "image" }
const history: Event = {
  type: "historyReplaced",
  messages: [
    { role: "user", content: [image("OLD")] },
    { role: "assistant", content: [{ type: "text", text: "Old." }] },
  ],
}

const draw = () => createAnyTool("draw", () => ({ type: "content", content: [image("NEW")] }))

async function played(...turns: readonly (readonly ScriptedStep[])[]) {
  const provider = scriptedProvider(turns)
  const run = createMemoryRun(provider, { tools: [draw()], maxRetries: 3 })
  await runLoop(run.context)
  const sent = provider.requests.map(({ messages }) => listImages(messages).length)
  return { run, sent }
}

describe("an image that a provider refuses", () => {
  it("is left out of one retry, which subscribers are told, and of all later requests", async () => {
    const { run, sent } = await played([call], [refused], [say, call], [say])
    expect(sent).toEqual([0, 1, 0, 1])
    expect(run.events.filter(({ type }) => type === "stepRetried")).toMatchObject([
      { attempt: 2, error: { code: "image_refused", message: expect.stringContaining("without it") } },
    ])
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(run.events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
      result: { content: [{ type: "image" }] },
    })
    const { messages, shownMessages } = run.restart().context.conversation
    expect(JSON.stringify(shownMessages)).toContain("the provider refused it")
    expect([listImages(messages).length, listImages(shownMessages).length]).toEqual([2, 1])
  })

  it("stays if the request fails without it too, and the run ends", async () => {
    const { run, sent } = await played([call], [refused], [{ type: "failure", code: "invalid_request" }])
    expect(sent).toEqual([0, 1, 0])
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "invalid_request" })
    expect(listImages(run.context.conversation.shownMessages)).toHaveLength(1)
  })

  it("is searched first among the images that no model has seen, and then among all", async () => {
    const provider = scriptedProvider([[call], [refused], [refused], [say]])
    const run = createMemoryRun(provider, { tools: [draw()] })
    run.recall(history)
    await runLoop(run.context)
    expect(provider.requests.map(({ messages }) => listImages(messages).length)).toEqual([1, 2, 1, 0])
    expect(run.events.at(-1)).toMatchObject({ type: "runCompleted" })
  })

  it("ends the run where there is no image", async () => {
    const { run } = await played([refused])
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "invalid_request" })
  })
})
