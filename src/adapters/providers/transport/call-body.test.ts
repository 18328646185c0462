import { expect, it } from "vitest"
import { countTurns } from "../../../core/fixtures/count-turns.ts"
import { createCallBody } from "./call-body.ts"

const { signal } = new AbortController()

it("creates the JSON of a small call as a text", async () => {
  const content = { messages: ["x".repeat(1_000)], none: undefined }
  expect(await createCallBody(content, signal)).toBe(JSON.stringify(content))
})

it("creates the JSON of a large call in pieces, and yields to the event loop meanwhile", async () => {
  const content = { none: undefined, messages: [{ content: '名"\n'.repeat(1_400_000) }] }
  const { result: body, turns } = await countTurns(() => createCallBody(content, signal))
  if (typeof body === "string") throw new Error("The body is one text.")
  expect(Buffer.concat(body).equals(Buffer.from(JSON.stringify(content)))).toBe(true)
  expect(turns).toBeGreaterThanOrEqual(30)
})

it("stops when the call is aborted", async () => {
  const aborting = new AbortController()
  const body = createCallBody(["x".repeat(4_000_000)], aborting.signal)
  aborting.abort(new Error("canceled"))
  await expect(body).rejects.toThrow("canceled")
})
