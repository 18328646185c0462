import { expect, it } from "vitest"
import { limitBody } from "./server-fetch.ts"

async function read(type: string, chunks: readonly string[], longest: number): Promise<string> {
  const body = ReadableStream.from(chunks).pipeThrough(new TextEncoderStream())
  return limitBody(new Response(body, { headers: { "content-type": type } }), longest).text()
}

it("ends a document that is too long, and leaves others unchanged", async () => {
  await expect(read("application/json", ["12", "34", "5"], 4)).rejects.toThrow("more than 4 bytes")
  expect(await read("application/json", ["12", "34"], 4)).toBe("1234")
})

it.each(["\n\n", "\r\n\r\n", "\r\r"])(
  "counts each event of a stream separately, ended by %j",
  async (end) => {
    const events = Array.from({ length: 20 }, () => `data: 1${end}`).join("")
    const longest = `data: 1${end}`.length
    for (const size of [1, 2, 3, 7, events.length]) {
      const chunks = events.match(new RegExp(`[^]{1,${size}}`, "g")) ?? []
      expect(await read("text/event-stream; charset=utf-8", chunks, longest + size)).toBe(events)
    }
  },
)

it.each([1, 100])("ends a stream with an event that is too long, in chunks of %i", async (size) => {
  const chunks = Array.from({ length: 100 / size }, () => "d".repeat(size))
  await expect(read("text/event-stream", ["data: 1\n\n", ...chunks], 50)).rejects.toThrow("more than 50")
})

it("keeps the status and the headers", () => {
  const response = limitBody(
    new Response("no", { status: 401, headers: { "www-authenticate": "Bearer" } }),
    9,
  )
  expect(response.status).toBe(401)
  expect(response.headers.get("www-authenticate")).toBe("Bearer")
})

it("reads a stream's events no faster than they can be handled", async () => {
  const chunks = Array.from({ length: 10 }, () => "data: 1\n\n".repeat(1_000))
  const since = performance.now()
  expect(await read("text/event-stream", chunks, 1_000_000)).toBe(chunks.join(""))
  // The limit is a burst of two thousand, and two thousand a second after that.
  expect(performance.now() - since).toBeGreaterThan(3_000)
})
