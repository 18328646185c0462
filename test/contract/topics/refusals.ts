import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { chat, hello, init, initAgent } from "../operations.ts"
import { refusedRequests } from "../refused-requests.ts"
import { sharedSecret } from "../shared-secret.ts"

/** Registers tests of requests that are refused because of their form. */
export function testRefusals({
  gateway,
  url,
  call,
  send,
  contract,
  problems,
  newToken,
}: ContractUnderTest): void {
  test("status routes answer as documented", async () => {
    for (const route of ["GET /health", "GET /ready", "GET /openapi.json"]) {
      expect((await call(route)).status).toBe(200)
    }
  })

  test.each(refusedRequests)("%s: %s", async (expected, operation, options) => {
    const token = operation === init || operation === initAgent ? undefined : await newToken()
    const { status, code } = await call(operation, { token, ...options })
    expect(`${status} ${code}`).toBe(expected)
  })

  test("an incomplete body is refused", async () => {
    const failing = () =>
      new ReadableStream({ pull: (controller) => controller.error(new Error("the client disconnected")) })
    const through = async ({ url: address, headers }: Request) =>
      gateway.fetch(new Request(address, { method: "POST", headers, body: failing(), duplex: "half" }))
    expect(await call(chat, { token: await newToken(), body: hello, through })).toMatchObject({
      status: 400,
      code: "incomplete_body",
    })
  })

  test("other sites' pages, other hosts and too large headers are refused on every route", async () => {
    const own = createAgent("You answer.", sharedSecret)
    const { url: ownUrl } = await own.listen({ port: 0 })
    const operations = new Set(contract.documented.map((answer) => answer.replace(/ \d+$/, "")))
    for (const operation of operations) {
      const fromPage = { origin: "https://evil.example" }
      const toOwn = (request: Request) => fetch(new Request(request.url.replace(url, ownUrl), request))
      expect(await call(operation, { headers: fromPage, through: toOwn })).toMatchObject({
        status: 403,
        code: "origin_not_allowed",
      })
      const toOther = (request: Request) =>
        gateway.fetch(new Request(request.url.replace(url, "http://evil.example"), request))
      expect(await call(operation, { through: toOther })).toMatchObject({
        status: 421,
        code: "host_not_allowed",
      })
      expect(await call(operation, { headers: { "x-large": "x".repeat(20_000) } })).toMatchObject({
        status: 431,
        code: "headers_too_large",
      })
    }
    await own.close()
  })

  test("other methods and other paths return problems too", async () => {
    for (const [operation, expected] of [
      ["DELETE /chat", "405 method_not_allowed"],
      ["GET /chat/other", "404 not_found"],
    ] as const) {
      const response = await send(operation)
      const { code } = (await response.json()) as { code: string }
      expect(`${response.status} ${code}`).toBe(expected)
      problems.add(expected)
    }
  })
}
