import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, expect, onTestFinished, test, vi } from "vitest"

afterEach(() => {
  vi.useRealTimers()
})

test("an open response of fetch adds no fake timer", async () => {
  const server = createServer((_request, response) => void response.write("Hello"))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  vi.useFakeTimers()
  const response = await fetch(`http://127.0.0.1:${port}`)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(vi.getTimerCount()).toBe(0)
  setTimeout(() => undefined, 10_000)
  expect(vi.getTimerCount()).toBe(1)
  await response.body?.cancel()
})
