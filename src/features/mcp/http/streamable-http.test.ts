import { once } from "node:events"
import { createServer } from "node:http"
import { expect, it, onTestFinished } from "vitest"
import { createStreamableHttp, pauseOf } from "./streamable-http.ts"

/** Starts a server that ends every event stream at once, after it has sent a `retry` time. */
async function restless(retry: number) {
  const opened: number[] = []
  const server = createServer((request, response) => {
    if (request.method === "POST") return void response.writeHead(202).end()
    opened.push(performance.now())
    response.writeHead(200, { "content-type": "text/event-stream" }).end(`retry: ${retry}\n\n`)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("A listening server has a port.")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: new URL(`http://127.0.0.1:${address.port}/mcp`), opened }
}

it("limits reconnections to a server that ends its stream and asks for an immediate reconnect", async () => {
  const { url, opened } = await restless(0)
  const transport = createStreamableHttp(
    { type: "http", url, headers: {}, oauth: {} },
    { authorizer: null, onLost() {} },
  )
  onTestFinished(() => transport.close())
  await transport.start()
  await transport.send({ jsonrpc: "2.0", method: "notifications/initialized" })
  await expect.poll(() => opened.length).toBeGreaterThanOrEqual(3)
  const [first = 0, second = 0, third = 0] = opened
  expect(second - first).toBeGreaterThan(400)
  expect(third - second).toBeGreaterThan(400)
})

it("waits as long as a server asks, within the limits of a timer", () => {
  expect(pauseOf(60_000)).toBe(60_000)
  expect(pauseOf(999_999_999_999)).toBe(2_147_483_647)
})
