import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { setImmediate as nextTurn } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { expect, it, onTestFinished } from "vitest"
import { openSockets } from "./open-sockets.ts"

const host = "127.0.0.1"

async function open(port = 0) {
  const server = createServer((_, response) => response.end("ok"))
  const servers = await openSockets(server, { port, host })
  const close = async () => {
    server.closeAllConnections()
    await Promise.all(servers.map((each) => new Promise((closed) => each.close(closed))))
  }
  onTestFinished(() => close().catch(() => {}))
  return { server, servers, close, port: (server.address() as AddressInfo).port }
}

/** A thread that connects and counts its connections in shared memory, so that the test need not process events. */
const clients = `
  const { connect } = require("node:net")
  const { workerData: { port, host, count, connected } } = require("node:worker_threads")
  for (let index = 0; index < count; index++) {
    const socket = connect(port, host, () => {
      Atomics.add(connected, 0, 1)
      Atomics.notify(connected, 0)
    })
    socket.on("error", () => {})
  }`

it.runIf(process.platform === "linux")(
  "accepts many new connections in few turns of the event loop",
  async () => {
    const { server, port } = await open()
    const count = 128
    let accepted = 0
    server.on("connection", () => {
      accepted += 1
    })
    const connected = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(clients, { eval: true, workerData: { port, host, count, connected } })
    onTestFinished(() => void worker.terminate())
    for (let known = 0; known < count; known = Atomics.load(connected, 0)) Atomics.wait(connected, 0, known)
    let turns = 0
    while (accepted < count) {
      turns += 1
      await nextTurn()
    }
    expect(turns).toBeLessThan(count / 2)
  },
)

it("serves requests of all its connections", async () => {
  const { port } = await open()
  const answers = Array.from({ length: 100 }, async () => (await fetch(`http://${host}:${port}/`)).text())
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["ok"]))
})

it("refuses an address that is in use, by itself or by another server", async () => {
  const { port } = await open()
  await expect(open(port)).rejects.toMatchObject({ code: "EADDRINUSE" })
  const plain = createServer().listen(0, host)
  onTestFinished(() => void plain.close())
  await once(plain, "listening")
  await expect(open((plain.address() as AddressInfo).port)).rejects.toMatchObject({ code: "EADDRINUSE" })
})

it("leaves the address free once all servers are closed", async () => {
  const { port, close } = await open()
  await close()
  await expect(fetch(`http://${host}:${port}/`)).rejects.toThrow()
  expect((await open(port)).port).toBe(port)
})
