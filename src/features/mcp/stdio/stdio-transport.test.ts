import type { JSONRPCMessage } from "@modelcontextprotocol/client"
import { expect, it, onTestFinished } from "vitest"
import { StdioTransport } from "./stdio-transport.ts"

/** Starts a process that runs a script. */
async function started(script: string) {
  const config = {
    type: "stdio",
    command: process.execPath,
    args: ["-e", script],
    env: {},
    cwd: null,
  } as const
  const transport = new StdioTransport(config, () => undefined)
  const messages: JSONRPCMessage[] = []
  const errors: string[] = []
  const end = Promise.withResolvers<string>()
  transport.onmessage = (message) => void messages.push(message)
  transport.onerror = (error) => void errors.push(error.message)
  transport.onclose = () => end.resolve(transport.reason)
  await transport.start()
  onTestFinished(() => transport.close())
  return { transport, messages, errors, ended: end.promise }
}

const request = (id: number, size = 0) =>
  ({ jsonrpc: "2.0", id, method: "x", params: { text: "a".repeat(size) } }) as const

it("ends with the process, and reports the exit and its output", async () => {
  const { ended } = await started("console.error('no key'); process.exit(3)")
  expect(await ended).toBe("the process ended with code 3: no key")
})

it.each(["1", "0"])(
  "ends when the process closes descriptor %s, even if it keeps running",
  async (descriptor) => {
    const { transport, ended } = await started(
      `require("node:fs").closeSync(${descriptor}); setInterval(() => {}, 1000)`,
    )
    const sending = setInterval(() => void transport.send(request(1)).catch(() => undefined), 50)
    onTestFinished(() => clearInterval(sending))
    expect(await ended).toBe("the process does not respond")
  },
)

it("skips lines that are not messages", async () => {
  const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} })
  const { messages, ended } = await started(`console.log("starting\\n\\n{}\\n" + ${JSON.stringify(answer)})`)
  await ended
  expect(messages).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }])
})

it("stops a process with an endless message", async () => {
  const { errors, ended } = await started(`
    const piece = "a".repeat(1 << 20)
    const more = () => process.stdout.write(piece, more)
    more()`)
  await ended
  expect(errors).toEqual(["A line is longer than 33554432 bytes."])
})

it("waits for a process that reads slowly with one listener, for any amount of data", async () => {
  const { transport, messages } = await started(`
    setTimeout(() => {
      let lines = 0
      process.stdin.on("data", (chunk) => {
        lines += chunk.toString().split("\\n").length - 1
        if (lines === 20) console.log(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { lines } }))
      })
    }, 200)`)
  const warned: unknown[] = []
  const onWarning = (warning: Error) => void warned.push(warning.name)
  process.on("warning", onWarning)
  onTestFinished(() => void process.off("warning", onWarning))
  await Promise.all(Array.from({ length: 20 }, (_, id) => transport.send(request(id, 100_000))))
  await expect.poll(() => messages).toEqual([{ jsonrpc: "2.0", id: 1, result: { lines: 20 } }])
  expect(warned).toEqual([])
})

it("reads notifications no faster than they can be handled", async () => {
  const notification = JSON.stringify({ jsonrpc: "2.0", method: "x" })
  const { messages } = await started(
    `process.stdout.write(${JSON.stringify(`${notification}\n`)}.repeat(10_000)); setInterval(() => {}, 1000)`,
  )
  await expect.poll(() => messages.length).toBeGreaterThan(0)
  const since = performance.now()
  await expect.poll(() => messages.length).toBe(10_000)
  // The limit is a burst of two thousand, and two thousand a second after that.
  expect(performance.now() - since).toBeGreaterThan(3_000)
})
