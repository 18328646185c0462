import { connect } from "node:net"
import { afterEach, expect, test } from "vitest"
import { type ScriptedUpstream, startScriptedUpstream, type UpstreamReply } from "./scripted-upstream.ts"

let upstream: ScriptedUpstream | undefined

afterEach(async () => {
  await upstream?.close()
})

async function start(script: Parameters<typeof startScriptedUpstream>[0]): Promise<ScriptedUpstream> {
  upstream = await startScriptedUpstream(script)
  return upstream
}

test("replies are sent in the script's order, unchanged, and requests are recorded", async () => {
  const { url, requests } = await start([
    { steps: ["data: 1\n\n", new TextEncoder().encode("data: 2\n\n")] },
    { status: 429, headers: { "retry-after": "3" }, steps: ["slow down"] },
  ])
  const first = await fetch(`${url}/v1/messages`, {
    method: "POST",
    body: '{"a":1}',
    headers: { "x-key": "k" },
  })
  expect(first.headers.get("content-type")).toContain("text/event-stream")
  expect(await first.text()).toBe("data: 1\n\ndata: 2\n\n")
  const second = await fetch(url)
  expect([second.status, second.headers.get("retry-after"), await second.text()]).toEqual([
    429,
    "3",
    "slow down",
  ])
  expect(requests).toMatchObject([
    { method: "POST", path: "/v1/messages", body: { a: 1 }, headers: { "x-key": "k" } },
    { method: "GET", path: "/", body: "" },
  ])
  expect(await requests[0]?.outcome).toBe("answered")
})

test("a request after the script's end is answered with 500 and the reason", async () => {
  const { url } = await start([])
  const response = await fetch(url)
  expect(response.status).toBe(500)
  expect(await response.text()).toContain("no reply to request 1")
})

test("a function replies to every request according to its content", async () => {
  const { url } = await start(({ path }) => ({ steps: [path] }))
  expect(await (await fetch(`${url}/a`)).text()).toBe("/a")
  expect(await (await fetch(`${url}/b`)).text()).toBe("/b")
})

test("it waits for a gate, after it has sent the headers and the earlier chunks", async () => {
  const gate = Promise.withResolvers<void>()
  const { url } = await start([{ steps: ["one", { type: "wait", until: gate.promise }, "two"] }])
  const reader = (await fetch(url)).body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toBe("one")
  gate.resolve()
  expect((await reader?.read())?.value).toBe("two")
})

test("a cut breaks the connection after the earlier chunks", async () => {
  const { url, requests } = await start([{ steps: ["half a li", { type: "cut" }, "never"] }])
  // After a failure, the body of a `fetch` discards data that was received and not read. A plain socket keeps it.
  const socket = connect(Number(new URL(url).port), "127.0.0.1").setEncoding("utf8")
  socket.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
  const received = (await socket.toArray()).join("")
  expect(received).toContain("\r\nhalf a li\r\n")
  expect(received).not.toContain("\r\n0\r\n")
  expect(await requests[0]?.outcome).toBe("cut")
})

test("it notices a client that disconnects, both while waiting and while writing", async () => {
  const endless: UpstreamReply = { steps: Array.from({ length: 10_000 }, () => "x".repeat(10_000)) }
  const waiting: UpstreamReply = { steps: ["x", { type: "wait", until: new Promise(() => {}) }] }
  const { url, requests } = await start([endless, waiting])
  for (const index of [0, 1]) {
    const controller = new AbortController()
    await fetch(url, { signal: controller.signal })
    controller.abort()
    expect(await requests[index]?.outcome).toBe("disconnected")
  }
})

test("a pause between chunks keeps their order and their number", async () => {
  const { url } = await start([{ delayMs: 1, steps: ["a", "b", "c"] }])
  expect(await (await fetch(url)).text()).toBe("abc")
})
