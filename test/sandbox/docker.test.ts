import { readFileSync } from "node:fs"
import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { createAgent } from "../../src/index.ts"
import { sandboxContract } from "../../src/testing/sandbox/contract.ts"
import { exec, openNewSandbox, run, type SandboxHarness } from "../../src/testing/sandbox/harness.ts"
import { runCliProcess } from "../cli-process.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { longOrShort } from "../long-tests.ts"
import { has, requires } from "../needs.ts"
import { attacks, isQuick } from "./support/attacks.ts"
import { crashWhileRunning, processes } from "./support/crash.ts"
import { startEngine, type TestEngine, testImage } from "./support/engine.ts"
import { openTestSandboxes, sandboxDirectory, silent } from "./support/open.ts"

let engine: TestEngine
let harness: SandboxHarness
let end: () => Promise<void>

beforeEach(() => requires("dockerEngine"), 900_000)
beforeAll(async () => {
  if (!(await has("dockerEngine"))) return
  engine = await startEngine()
  const { sandboxes, directory } = await openTestSandboxes("docker", {
    dockerSocket: engine.socket,
    image: testImage,
  })
  harness = { sandboxes, host: "docker" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 900_000)
afterAll(async () => {
  try {
    await end?.()
  } finally {
    await engine?.stop()
  }
})

describe("Docker follows the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness))
})

describe("Docker holds against", () => {
  test.each(longOrShort(attacks, attacks.filter(isQuick)))("$name", async ({ run }) => run(harness))
})

test("the command line builds an image", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-image-"))
  const file = join(folder, "Dockerfile")
  await writeFile(file, "ARG BASE=none\nFROM $BASE\nLABEL test=yes\n")
  const env = { DOCKER_HOST: `unix://${engine.socket}` }
  const build = (...options: string[]) =>
    runCliProcess(["sandbox", "build", "--file", file, ...options], { env, cwd: folder })
  const built = await build("--tag", "sandbox-test:built", "--base", testImage)
  expect(built).toMatchObject({ code: 0, stdout: "built sandbox-test:built\n" })
  const { Config } = await engine.docker.getImage("sandbox-test:built").inspect()
  expect(Config.Labels).toEqual({ test: "yes" })
  await writeFile(file, "NONSENSE\n")
  const failed = await build("--tag", "sandbox-test:failed")
  expect(failed.code).toBe(1)
  expect(failed.stderr).toMatch(/^agent-gateway: The image could not be built: .*NONSENSE.*\n$/m)
  await removeTree(folder)
})

test("while the engine is down each call fails at once, and calls work again when it is back", async () => {
  const directory = await sandboxDirectory()
  const config = { directory, dockerSocket: engine.socket, image: testImage }
  const { sandboxes } = await openTestSandboxes("docker", config)
  const gone = { sandboxes, host: "docker" } as const
  const [idle, busy] = await Promise.all([openNewSandbox(gone), openNewSandbox(gone)])
  // From now on, a container waits for the next execution.
  expect((await run(gone, idle, "print(1)")).stdout).toBe("1\n")
  const cut = (async () => {
    for await (const event of exec(gone, busy, "print('on')\nwhile True: pass")) {
      if (event.type === "output") void engine.kill()
    }
  })()
  await expect(cut).rejects.toMatchObject({ code: "sandbox_unavailable", retryable: true })
  for (const sandbox of [idle, busy]) {
    // Only an attempt to use the idle container may show that it is dead, too.
    await vi.waitFor(() =>
      expect(run(gone, sandbox, "print(2)")).rejects.toMatchObject({
        code: "sandbox_unavailable",
        message: "No Docker engine responds, so the code was not run.",
      }),
    )
  }
  await expect(sandboxes.reap(async () => true)).rejects.toThrow()
  await engine.restart()
  for (const sandbox of [idle, busy]) expect((await run(gone, sandbox, "print(3)")).stdout).toBe("3\n")
  // The container that could not be removed at the right time.
  const id = readFileSync(join(directory, "id"), "utf8")
  const left = () =>
    engine.docker.listContainers({ all: true, filters: { label: [`ai-agent-gateway.directory=${id}`] } })
  const onlyWaiting = async () => {
    await sandboxes.reap(async () => true)
    const containers = await left()
    return containers.length <= 2 && containers.every(({ State }) => State !== "exited") ? true : null
  }
  await eventually("the end of what was left", onlyWaiting)
  await sandboxes.close()
  expect(await left()).toEqual([])
  await removeTree(directory)
})

test("GET /ready reports that the engine is down, and that it is back", async () => {
  const directory = await sandboxDirectory()
  const gateway = createAgent("You compute.", {
    provider: "demo",
    store: "memory",
    logger: silent,
    codeExecution: { backends: ["docker"], directory, dockerSocket: engine.socket, image: testImage },
  })
  const { url } = await gateway.listen({ port: 0 })
  const readiness = async () => {
    const response = await fetch(`${url}/api/ready`)
    const { checks } = (await response.json()) as { checks: Record<string, unknown> }
    return { status: response.status, check: checks.code_execution }
  }
  const uncounted = "the limit of memory leaves out file locks"
  expect(await readiness()).toEqual({ status: 200, check: { ok: true, detail: `docker; ${uncounted}` } })
  await engine.kill()
  // The result of a check is cached for a few seconds.
  await expect.poll(readiness).toEqual({
    status: 200,
    check: {
      ok: false,
      detail: `docker does not respond, so code does not run until it is back; docker; ${uncounted}`,
    },
  })
  await engine.restart()
  await expect.poll(readiness).toMatchObject({ check: { ok: true } })
  await gateway.close({ graceMs: 0 })
  await removeTree(directory)
})

test("code that runs while the engine is shut down is lost, and is not reported as ended by itself", async () => {
  const directory = await sandboxDirectory()
  const config = { directory, dockerSocket: engine.socket, image: testImage }
  const { sandboxes } = await openTestSandboxes("docker", config)
  const stopping = { sandboxes, host: "docker" } as const
  const deaf = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
  for (const before of ["", deaf]) {
    const sandbox = await openNewSandbox(stopping)
    let stopped: Promise<void> | undefined
    const cut = (async () => {
      for await (const event of exec(stopping, sandbox, `${before}print('on')\nwhile True: pass`)) {
        if (event.type === "output") stopped = engine.shutDown()
      }
    })()
    await expect(cut).rejects.toMatchObject({
      code: "sandbox_unavailable",
      retryable: true,
      message: expect.stringMatching(/^The Docker engine stopped or was lost while the code ran\./),
    })
    await stopped
    await engine.restart()
    // The code itself ended this container.
    const outcome = await run(stopping, sandbox, "kill -TERM $$", { language: "shell" })
    expect(outcome).toMatchObject({ exitCode: 143, reason: "exited" })
  }
  await sandboxes.close()
  await removeTree(directory)
})

test("containers of a killed gateway are gone after the next start", async () => {
  const { docker, socket } = engine
  const directory = await sandboxDirectory()
  const containers = async () => {
    const id = readFileSync(join(directory, "id"), "utf8")
    const label = [`ai-agent-gateway.directory=${id}`, "ai-agent-gateway.session=sess_killed"]
    return docker.listContainers({ all: true, filters: { label } })
  }
  await crashWhileRunning("docker", directory, { socket, image: testImage })
  expect(await containers()).toHaveLength(1)
  const config = { directory, dockerSocket: socket, image: testImage }
  const { sandboxes } = await openTestSandboxes("docker", config)
  expect(await containers()).toEqual([])
  expect(processes()).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
})
