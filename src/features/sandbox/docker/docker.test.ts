import { once } from "node:events"
import { mkdtemp } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import { defaultLimits } from "../fixtures/default-limits.ts"
import { removeTree } from "../workspace/remove-tree.ts"
import { openDocker } from "./docker.ts"
import { connectEngine } from "./engine.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const answers: Readonly<Record<string, string>> = { "/_ping": "OK", "/info": `{"OSType":"linux"}` }

/** Starts an engine that accepts connections and then never responds. */
async function startStuckEngine({ pingMs = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-engine-"))
  const asked: (string | undefined)[] = []
  const server = createServer(({ url = "" }, response) => {
    asked.push(url)
    if (answers[url] === undefined) return
    setTimeout(() => response.end(answers[url]), url === "/_ping" ? pingMs : 0)
  }).listen(join(folder, "docker.sock"))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await removeTree(folder)
  })
  await once(server, "listening")
  return { socket: join(folder, "docker.sock"), asked }
}

test("an engine that stops responding fails a call instead of delaying it, with any DOCKER_HOST", async () => {
  vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:1")
  vi.stubEnv("DOCKER_TLS_VERIFY", "1")
  onTestFinished(() => void vi.unstubAllEnvs())
  const { socket, asked } = await startStuckEngine()
  const backend = await openDocker({
    socket,
    answerTimeoutMs: 2_000,
    image: "image",
    warmPool: 0,
    limits: defaultLimits,
    network: "none",
    env: { KEY: "secret" },
    directory: "/none",
    privateFolder: "/none",
    pythonFolder: "/none",
    instance: { directoryId: "directory", id: "instance", isLive: () => true, end() {} },
    cgroups: "none",
    logger: silent,
  })
  const workspace = { sessionId: "sess_a", path: "/none", owner: null }
  const starting = backend.start({
    workspace,
    language: "shell",
    code: "true",
    folders: [],
    expectMore: false,
  })
  await expect(starting).rejects.toMatchObject({
    code: "sandbox_unavailable",
    retryable: true,
    message: "No Docker engine responds, so the code was not run.",
  })
  // Proxies may log addresses, so the address must not contain the code.
  expect(asked.at(-1)).toMatch(/^\/containers\/create\?name=agent-gateway-[\w-]+$/)
})

test("a slow engine, for example under load, is not treated as missing", async () => {
  const { socket } = await startStuckEngine({ pingMs: 4_000 })
  const { rootless } = await connectEngine(socket)
  expect(rootless).toBe(false)
})
