import { expect, it, onTestFinished } from "vitest"
import { type ServerConfig, toServerConfigs } from "./config/server-config.ts"
import { McpServer } from "./server.ts"
import { createUserServers } from "./user-servers.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

function config(): ServerConfig {
  const [only] = toServerConfigs(
    {
      own: { command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"], startTimeoutMs: 60_000 },
    },
    {
      defaultToolTimeoutMs: 30_000,
      timeoutOverrides: {},
      sessionInjectServers: [],
      stripInputFields: [],
      environment: {},
    },
  )
  if (only === undefined) throw new Error("There is one server.")
  return only
}

function userServers(options: { readonly idleMs: number; readonly max: number }) {
  const started: { readonly userId: string; readonly server: McpServer }[] = []
  const servers = createUserServers(
    ({ userId }) => {
      const identity = { name: "test", version: "0" }
      const server = new McpServer(config(), {
        identity,
        logger,
        authorization: null,
      })
      started.push({ userId, server })
      return server
    },
    { ...options, name: "own", logger },
  )
  onTestFinished(() => servers.close())
  return { servers, started }
}

const user = (userId: string) => ({ tenant: "t", userId })

it("starts one server for each user, once", () => {
  const { servers, started } = userServers({ idleMs: 60_000, max: 10 })
  servers.open(user("ada"))
  servers.open(user("ada"))
  servers.open(user("bob"))
  expect(started.map(({ userId }) => userId)).toEqual(["ada", "bob"])
})

it("stops a server after its idle time, and starts it again for its next use", async () => {
  const { servers, started } = userServers({ idleMs: 20, max: 10 })
  const handle = servers.open(user("ada"))
  await expect.poll(() => started[0]?.server.state.status).toBe("stopped")
  const stop = AbortSignal.abort(new Error("enough"))
  await expect(handle.use(async () => null, stop)).rejects.toThrow("enough")
  expect(started).toHaveLength(2)
})

it("stops the server that was idle longest to make room, in the order of use", async () => {
  const { servers, started } = userServers({ idleMs: 60_000, max: 2 })
  servers.open(user("ada"))
  servers.open(user("bob"))
  servers.open(user("ada"))
  servers.open(user("eve"))
  await expect.poll(() => started[1]?.server.state.status).toBe("stopped")
  expect(started[0]?.server.state.status).toBe("starting")
})

it("stops servers that are still starting when it is closed, and starts no more", async () => {
  const { servers, started } = userServers({ idleMs: 60_000, max: 10 })
  servers.open(user("ada"))
  await servers.close()
  expect(started[0]?.server.state.status).toBe("stopped")
  expect(() => servers.open(user("bob"))).toThrow("stopped")
})
