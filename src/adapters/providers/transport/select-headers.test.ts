import { expect, it } from "vitest"
import { selectHeaders } from "./select-headers.ts"

it("keeps the SDK's headers of these names, in any form, and drops all others", () => {
  const fromSdk = { Accept: "text/event-stream", "X-Custom": "from the environment" }
  const kept = { accept: "text/event-stream" }
  expect(selectHeaders(fromSdk, /^accept$/, {})).toEqual(kept)
  expect(selectHeaders(new Headers(fromSdk), /^accept$/, {})).toEqual(kept)
  expect(selectHeaders(undefined, /^accept$/, {})).toEqual({})
})

it("gives a header of one's own precedence, whatever the case of its name", () => {
  const own = { authorization: "Bearer key", Accept: "text/plain", AUTHORIZATION: "Basic abc" }
  expect(selectHeaders({ accept: "text/event-stream" }, /^accept$/, own)).toEqual({
    accept: "text/plain",
    authorization: "Basic abc",
  })
})
