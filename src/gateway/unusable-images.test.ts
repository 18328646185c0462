import { expect, test } from "vitest"
import type { ImagePart } from "../core/history/messages.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { content } from "../kernel/tools/tool-content.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const onePixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
const damaged = `${onePixel.slice(0, 60)}AAAAAAAA${onePixel.slice(68)}`

const labelledAsJpeg = (data: string): ImagePart => ({
  type: "image",
  source: { type: "base64", mediaType: "image/jpeg", data },
})

test("a model receives a tool's valid image, and a note about a damaged one", async () => {
  const draw = tool({
    name: "draw",
    description: "Draws.",
    inputSchema: { type: "object" },
    execute: () => content([onePixel, damaged].map(labelledAsJpeg)),
  })
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "draw" }],
    [{ type: "text", text: "I see." }],
  ])
  const agent = createAgent("Hi.", {
    provider,
    tools: [draw],
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  try {
    expect((await agent.run("Draw.")).outcome).toBe("completed")
  } finally {
    await agent.close()
  }
  expect(provider.requests.at(-1)?.messages.at(-1)).toMatchObject({
    results: [
      {
        result: {
          content: [
            { type: "image", source: { mediaType: "image/png", data: onePixel } },
            { type: "text", text: expect.stringContaining("cannot be decoded as image/png") },
          ],
        },
      },
    ],
  })
})
