import { expect, test } from "vitest"
import { type Frame, parseEventStream } from "./parse-event-stream.ts"

async function parse(text: string, chunkBytes = text.length): Promise<readonly Frame[]> {
  const bytes = new TextEncoder().encode(text)
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += chunkBytes)
      yield bytes.slice(start, start + chunkBytes)
  }
  const frames: Frame[] = []
  for await (const frame of parseEventStream(chunks())) frames.push(frame)
  return frames
}

const text = 'id: 7\ndata: {"a":"ä語🦜"}\n\ndata: x\ndata:  y\n\n'
const frames = [
  { id: 7, data: '{"a":"ä語🦜"}' },
  { id: null, data: "x\n y" },
]

test.each([1, 2, 3, 5, 1000])("parses a stream in chunks of %i bytes", async (chunkBytes) => {
  expect(await parse(text, chunkBytes)).toEqual(frames)
})

test.each(["\r\n", "\r"])("accepts lines that end with %j", async (end) => {
  for (const chunkBytes of [1, 2, 1000]) {
    expect(await parse(text.replaceAll("\n", end), chunkBytes)).toEqual(frames)
  }
})

test("discards an incomplete event at the end of the stream", async () => {
  expect(await parse("id: 1\ndata: a\n\nid: 2\ndata: b\n")).toEqual([{ id: 1, data: "a" }])
})

test("ignores a byte order mark, comments, other fields and events without data", async () => {
  const stream = "\uFEFF: hello\nretry: 1\nevent: x\ndata: a\n\nid: 9\n\nid: abc\ndata\n\n"
  expect(await parse(stream)).toEqual([
    { id: null, data: "a" },
    { id: null, data: "" },
  ])
})

test("refuses an event without an end", async () => {
  const chunk = new TextEncoder().encode("x".repeat(1024 * 1024))
  async function* chunks() {
    yield new TextEncoder().encode("data: ")
    for (;;) yield chunk
  }
  await expect(parseEventStream(chunks()).next()).rejects.toMatchObject({ code: "response_too_large" })
})
