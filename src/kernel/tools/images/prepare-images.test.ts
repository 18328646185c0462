import { expect, test, vi } from "vitest"
import type { ImagePart, Message } from "../../../core/history/messages.ts"
import type { Examined } from "./examine.ts"
import { createImagePreparation } from "./prepare-images.ts"

const image = (data: string, mediaType = "image/png"): ImagePart => ({
  type: "image",
  source: { type: "base64", mediaType, data },
})
const user = (...content: ImagePart[]): Message => ({ role: "user", content })
const resultOf = (...content: ImagePart[]): Message => ({
  role: "tool",
  results: [{ toolCallId: "call_1", result: { type: "content", content } }],
})

function preparation(
  find: (data: string) => Examined | null = () => ({ type: "fits", mediaType: "image/png" }),
) {
  const examine = vi.fn(async (data: string) => find(data))
  const warn = vi.fn()
  const error = vi.fn()
  const logger = { debug() {}, info() {}, warn, error }
  const prepareFor = createImagePreparation({ examine, close: async () => {} }, logger)
  const prepare = (messages: readonly Message[], signal = new AbortController().signal) =>
    prepareFor(messages, { owner: { tenant: "tenant", userId: "user" }, signal })
  return { prepare, examine, warn, error }
}

const shown = (messages: readonly Message[]) => JSON.stringify(messages).match(/"data":"[^"]*"/g)?.length ?? 0

test("a conversation without images is not changed", async () => {
  const messages: readonly Message[] = [{ role: "user", content: [{ type: "text", text: "Hi" }] }]
  expect(await preparation().prepare(messages)).toBe(messages)
})

test("valid images are sent unchanged, and are decoded once, even if the session is loaded again", async () => {
  const { prepare, examine } = preparation()
  const messages = [user(image("AAAA")), resultOf(image("BBBB"))]
  expect(await prepare(messages)).toEqual(messages)
  expect(await prepare(messages)).toEqual(messages)
  expect(await prepare(structuredClone(messages))).toEqual(messages)
  expect(examine).toHaveBeenCalledTimes(2)
})

test("a wrong media type is corrected, and a converted image is sent in its new form", async () => {
  const { prepare } = preparation((data) =>
    data === "AAAA"
      ? { type: "fits", mediaType: "image/jpeg" }
      : { type: "converted", mediaType: "image/png", data: "CCCC" },
  )
  const messages = [user(image("AAAA"), image("BBBB", "image/gif"))]
  const expected = [user(image("AAAA", "image/jpeg"), image("CCCC"))]
  expect(await prepare(messages)).toEqual(expected)
  expect(await prepare(structuredClone(messages))).toEqual(expected)
})

test("an unusable image becomes a text with the reason, for the model and in the log", async () => {
  const { prepare, warn } = preparation(() => ({ type: "unusable", reason: "it cannot be decoded" }))
  expect(await prepare([resultOf(image("AAAA"))])).toMatchObject([
    {
      results: [
        {
          result: {
            content: [{ type: "text", text: "[An image was left out here, because it cannot be decoded.]" }],
          },
        },
      ],
    },
  ])
  expect(warn).toHaveBeenCalledOnce()
})

test("images are sent unchecked without a decoder, which is logged", async () => {
  const { prepare, error } = preparation(() => null)
  const messages = [user(image("AAAA"))]
  expect(await prepare(messages)).toEqual(messages)
  expect(error).toHaveBeenCalledOnce()
})

test("beyond twenty images, the oldest become text, ten at once", async () => {
  const { prepare } = preparation()
  const conversation = (count: number) =>
    Array.from({ length: count }, (_, index) => user(image(`AA${index}`)))
  const counts = await Promise.all(
    [20, 21, 30, 31].map(async (count) => shown(await prepare(conversation(count)))),
  )
  expect(counts).toEqual([20, 11, 20, 11])
  const [oldest] = await prepare(conversation(21))
  expect(oldest).toMatchObject({ content: [{ type: "text", text: expect.stringContaining("older image") }] })
})

test("beyond twenty megabytes, the oldest become text", async () => {
  const { prepare } = preparation()
  const large = (letter: string) => user(image(letter.repeat(5 * 1024 * 1024)))
  expect(shown(await prepare(["A", "B", "C", "D", "E"].map(large)))).toBe(4)
})

test("an image with an address is left to the provider", async () => {
  const { prepare, examine } = preparation()
  const messages: readonly Message[] = [
    { role: "user", content: [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }] },
  ]
  expect(await prepare(messages)).toEqual(messages)
  expect(examine).not.toHaveBeenCalled()
})

test("after a cancel, no further image is examined, and the image is examined again for the next run", async () => {
  const stop = new AbortController()
  const { prepare, examine } = preparation(() => {
    stop.signal.throwIfAborted()
    stop.abort(new Error("canceled"))
    throw stop.signal.reason
  })
  const messages = [user(image("AAAA"), image("BBBB"))]
  await expect(prepare(messages, stop.signal)).rejects.toThrow("canceled")
  expect(examine).toHaveBeenCalledOnce()
  examine.mockImplementation(async () => ({ type: "fits", mediaType: "image/png" }))
  expect(await prepare(messages)).toEqual(messages)
})
