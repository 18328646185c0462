import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, onTestFinished, test } from "vitest"
import { doesCountUnaccepted, readUnixSockets } from "../../src/features/sandbox/disk/unix-sockets.ts"
import { requires } from "../needs.ts"

test.each([
  ["5.10.0-26-amd64", false],
  ["6.1.0-18-amd64", false],
  ["6.2.16", false],
  ["6.3.0", true],
  ["6.18.44-fc-v669", true],
  ["7.0.0-rc1", true],
])("Linux %s counts files in connections that were not accepted: %s", (version, counts) => {
  expect(doesCountUnaccepted(version)).toBe(counts)
})

const connections = {
  "nobody accepts": ["client.connect('\\0server')", true],
  "somebody accepted": ["client.connect('\\0server'); accepted = server.accept()", false],
} as const

test.each(Object.entries(connections))(
  "a connection that %s is found in its own network namespace",
  async (_, [connect, isSeen]) => {
    await requires("root")
    const code = `
import socket, time
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind("\\0server")
server.listen()
${connect}
client.close()
print("ready", flush=True)
time.sleep(60)`
    const child = spawn("unshare", ["--net", "python3", "-c", code], { stdio: ["ignore", "pipe", "inherit"] })
    onTestFinished(async () => {
      child.kill("SIGKILL")
      await once(child, "exit")
    })
    await once(child.stdout, "data")
    const sockets = await readUnixSockets(`/proc/${child.pid}`)
    expect(sockets).toContainEqual({ inode: expect.any(Number), hasFile: false })
    expect(sockets !== "over" && sockets.some(({ inode }) => inode === 0)).toBe(isSeen)
  },
)

test("connections in the gateway's own network namespace belong to no execution", async () => {
  await requires("linux")
  expect(await readUnixSockets("/proc/self")).toEqual([])
})
