import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { runCliProcess } from "../cli-process.ts"
import { assemble, types } from "./support/assemble.ts"
import { eventually } from "./support/eventually.ts"
import { spawnGateway, startGateway } from "./support/gateway-process.ts"
import { gate, pausing, says, startModel, words } from "./support/model.ts"
import { problemOf } from "./support/problem.ts"
import { startSession } from "./support/session-client.ts"
import { mountSmallDisk } from "./support/small-disk.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const noModel = { url: "http://127.0.0.1:1" }

describe("an unusable data directory is reported in one line with a failure:", () => {
  test.each<[string, (folder: string) => Promise<string>, RegExp]>([
    [
      "it lies below a file",
      async (folder) => {
        await writeFile(join(folder, "file"), "")
        return join(folder, "file", "data")
      },
      /ENOTDIR/,
    ],
    [
      "nobody may write there",
      async (folder) => join((await mountSmallDisk(folder, { megabytes: 1, readOnly: true })).path, "data"),
      /EROFS|ENOENT/,
    ],
    [
      "its database is none",
      async (folder) => {
        await mkdir(join(folder, "data"))
        await writeFile(join(folder, "data", "gateway.db"), "not a database, ".repeat(100))
        return join(folder, "data")
      },
      /not a database/,
    ],
  ])("%s", async (_name, prepare, reason) => {
    const folder = await temporaryFolder()
    const store = await prepare(folder)
    const cli = spawnGateway({ folder, model: noModel, env: { STORE: store } })
    expect(await cli.exited).toBe(1)
    expect(cli.stdout()).toBe("")
    expect(cli.stderr()).toMatch(/^agent-gateway: The data directory \S+ cannot be used: [^\n]+\n$/)
    expect(cli.stderr()).toMatch(reason)
  })

  test("its disk is full", async () => {
    const folder = await temporaryFolder()
    const disk = await mountSmallDisk(folder, { megabytes: 1 })
    await disk.fill()
    const cli = spawnGateway({ folder, model: noModel, env: { STORE: join(disk.path, "data") } })
    expect(await cli.exited).toBe(1)
    expect(cli.stderr()).toMatch(/^agent-gateway: The data directory \S+ cannot be used: [^\n]+\n$/)
  })
})

test("a gateway with a full disk starts, serves reads, and continues once there is space", async () => {
  const model = await startModel([says("Before."), says("After.")])
  const folder = await temporaryFolder()
  const disk = await mountSmallDisk(folder, { megabytes: 8 })
  const env = { STORE: join(disk.path, "data") }
  const first = await startGateway({ folder, model, env })
  const session = await startSession(first.url)
  await (await session.chat("Hi")).rest()
  first.signal("SIGTERM")
  expect(await first.exited).toBe(0)

  await disk.fill()
  const second = await startGateway({ folder, model, env })
  const later = session.at(second.url)
  expect((await fetch(`${second.url}/api/health`)).status).toBe(200)
  const ready = await fetch(`${second.url}/api/ready`)
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ checks: { store: { ok: false } } })
  expect(await later.history()).toMatchObject({ messages: [{ role: "user" }, { role: "assistant" }] })
  const refused = await later.post("/chat", { message: "Hi again" })
  expect(await problemOf(refused)).toMatchObject({ status: 503, code: "store_unavailable" })

  await disk.free()
  await eventually("space", async () => (await fetch(`${second.url}/api/ready`)).status === 200 || null)
  expect(assemble(await (await later.chat("Hi again")).rest()).text).toBe("After.")
})

test("without a key for a model, `start` prints its requirement in one line", async () => {
  const cli = spawnGateway({ folder: await temporaryFolder() })
  expect(await cli.exited).toBe(1)
  expect(cli.stderr()).toMatch(
    /^agent-gateway: No model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY[^\n]+\n$/,
  )
})

test("without a key for a model, `run` fails with any environment", async () => {
  const folder = await temporaryFolder()
  const entry = new URL("../../dist/index.js", import.meta.url).href
  const source = `import { createAgent } from "${entry}"\nexport default createAgent("Hi.", { store: "memory" })\n`
  await writeFile(join(folder, "agent.mjs"), source)
  const run = await runCliProcess(["run", "agent.mjs", "hello"], { cwd: folder })
  expect(run).toMatchObject({ code: 1, stdout: "" })
  expect(run.stderr).toMatch(/^agent-gateway: No model is configured: .*run --demo"\.\n$/)
})

test("a gateway reports a port in use and releases its data directory", async () => {
  const model = await startModel([says("Hi.")])
  const folder = await temporaryFolder()
  const first = await startGateway({ folder, model })
  const { port } = new URL(first.url)
  const second = spawnGateway({ folder, model, port })
  expect(await second.exited).toBe(4)
  expect(second.stderr().trimEnd().split("\n").at(-1)).toMatch(/^agent-gateway: cannot listen on .* in use/)
  const session = await startSession(first.url)
  expect(assemble(await (await session.chat("Hi")).rest()).text).toBe("Hi.")
})

test("while the disk is full nothing is accepted and nothing breaks; when there is space again everything continues", async () => {
  const { opened, open } = gate()
  const model = await startModel(({ body }) =>
    JSON.stringify(body).includes("Slowly") ? pausing(words(200), 50, opened) : says("Quick."),
  )
  const folder = await temporaryFolder()
  const disk = await mountSmallDisk(folder, { megabytes: 8 })
  const gateway = await startGateway({ folder, model, env: { STORE: join(disk.path, "data") } })
  const sessions = await Promise.all(Array.from({ length: 60 }, () => startSession(gateway.url)))
  const [running, ...others] = sessions
  const stream = await running?.chat("Slowly")
  const before = await stream?.until(({ event }) => event.type === "text_delta" && event.text === "w50 ")

  await disk.fill()
  // Files that were larger before may have room for some messages.
  const message = "x".repeat(200_000)
  const statuses: number[] = []
  for (const session of others) {
    const response = await session.post("/chat", { message }, { "idempotency-key": "once" })
    statuses.push(response.status)
    if (response.status === 200) await response.body?.cancel()
    else expect(await problemOf(response)).toMatchObject({ status: 503, code: "store_unavailable" })
  }
  expect(new Set(statuses)).toContain(503)
  const refused = others.filter((_, index) => statuses[index] === 503)
  for (const session of refused) {
    expect(await session.history()).toMatchObject({ messages: [], active_run: null })
  }
  expect((await fetch(`${gateway.url}/api/health`)).status).toBe(200)
  open()
  expect(await model.requests[0]?.outcome).toBe("answered")

  await disk.free()
  expect(stream).toBeDefined()
  const frames = [...(before ?? []), ...((await stream?.rest()) ?? [])]
  expect(assemble(frames)).toMatchObject({
    text: words(200).join(""),
    terminal: { terminal_disposition: "completed" },
  })
  const again = await eventually("room", async () => {
    const response = await refused[0]?.post("/chat", { message }, { "idempotency-key": "once" })
    return response?.status === 200 ? response : null
  })
  expect(await again.text()).toContain("stream_complete")
  for (const session of others.filter((_, index) => statuses[index] === 200)) {
    const all = await (await session.subscribe({ afterSeq: 0 })).rest()
    expect(types(all)).toEqual(["text_delta", "turn_complete", "stream_complete"])
  }
})
