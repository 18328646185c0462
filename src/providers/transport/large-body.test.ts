import { expect, it } from "vitest"
import { createLargeBodyOptions } from "./large-body.ts"

const { signal } = new AbortController()

it("leaves a small body to the SDK", async () => {
  expect(await createLargeBodyOptions({ messages: ["x".repeat(1_000)], none: undefined }, signal)).toEqual({})
})

it("creates the JSON of a large body, and yields to the event loop meanwhile", async () => {
  let turns = 0
  let ended = false
  const count = () => {
    turns += 1
    if (!ended) setImmediate(count)
  }
  setImmediate(count)
  const request = { none: undefined, messages: [{ content: '名"\n'.repeat(1_400_000) }] }
  const { body, headers } = await createLargeBodyOptions(request, signal)
  ended = true
  const expected = Buffer.from(JSON.stringify(request))
  expect(Buffer.from(await new Response(body).arrayBuffer()).equals(expected)).toBe(true)
  expect(headers).toEqual({
    "content-type": "application/json",
    "content-length": String(expected.byteLength),
  })
  expect(turns).toBeGreaterThanOrEqual(30)
})

it("stops when the call is aborted", async () => {
  const aborting = new AbortController()
  const options = createLargeBodyOptions(["x".repeat(4_000_000)], aborting.signal)
  aborting.abort(new Error("canceled"))
  await expect(options).rejects.toThrow("canceled")
})
