import { expect, test } from "vitest"
import { calls, says } from "./support/model.ts"
import { sharedGateway } from "./support/shared-gateway.ts"

const serving = sharedGateway()
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

test("the provider receives the trace of the request with every call of its run, and of no other run", async () => {
  const { session, model } = await serving([calls("add", { a: 1, b: 2 }), says("3."), says("Hello.")])
  await (await session.chat("1 + 2?", { traceparent })).rest()
  await (await session.chat("Hi", { traceparent: "nonsense" })).rest()
  expect(model.requests.map(({ headers }) => headers.traceparent)).toEqual([
    traceparent,
    traceparent,
    undefined,
  ])
})
