import { expect, it } from "vitest"
import { createEndpoint, selectHeaders } from "./endpoint.ts"

/** Builds requests as the SDKs do. */
const clientOf = (address: string) => ({
  buildRequest: async ({ path }: { readonly path: string }) => ({
    url: address + path,
    req: { headers: new Headers({ accept: "application/json", "x-from-env": "leaked" }) },
  }),
})
const headers = { fromSdk: /^accept$/, own: { Authorization: "Bearer key" } }

it("has the SDK's address, the selected headers of the SDK, and the own headers", async () => {
  const endpoint = await createEndpoint(clientOf("https://models.example:8443/base"), "/v1/messages", headers)
  expect(endpoint.address).toMatchObject({
    protocol: "https:",
    hostname: "models.example",
    port: 8443,
    path: "/base/v1/messages",
  })
  expect(endpoint.headers).toEqual([
    "host",
    "models.example:8443",
    "accept-encoding",
    "identity",
    "accept",
    "application/json",
    "authorization",
    "Bearer key",
  ])
})

it.each([
  ["http://user:secret@127.0.0.1", "must not contain a password"],
  ["nonsense", "Invalid URL"],
])("refuses the address %s", async (address, message) => {
  await expect(createEndpoint(clientOf(address), "/v1/messages", headers)).rejects.toThrow(message)
})

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
