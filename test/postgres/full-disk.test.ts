import { randomBytes } from "node:crypto"
import { chmod, chown, mkdir, stat } from "node:fs/promises"
import { join } from "node:path"
import pg from "pg"
import { expect, onTestFinished, test } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { assemble } from "../end-to-end/support/assemble.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { problemOf } from "../end-to-end/support/problem.ts"
import { startSession } from "../end-to-end/support/session-client.ts"
import { mountSmallDisk, type SmallDisk } from "../end-to-end/support/small-disk.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

interface Server {
  readonly disk: SmallDisk
  /** URL of an empty database on the disk. */
  readonly store: string
}

/** Mounts a disk that the user of the server can reach. */
async function mountDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await temporaryFolder()
  const disk = await mountSmallDisk(folder, { megabytes })
  await chmod(folder, 0o755)
  return disk
}

async function putAllOnDisk(): Promise<Server> {
  const disk = await mountDisk(160)
  const postgres = await startPostgres(onTestFinished, { folder: disk.path })
  return { disk, store: await postgres.createDatabase("small") }
}

/** Keeps the write-ahead log on another disk. */
async function putTablesOnDisk(): Promise<Server> {
  const disk = await mountDisk(64)
  const postgres = await startPostgres(onTestFinished)
  const other = await postgres.createDatabase("other")
  const operator = new pg.Client(other)
  await operator.connect()
  onTestFinished(() => operator.end())
  const { rows } = await operator.query("SHOW data_directory")
  const { uid, gid } = await stat(rows[0].data_directory)
  const space = join(disk.path, "space")
  await mkdir(space)
  await chown(space, uid, gid)
  await operator.query(`CREATE TABLESPACE small LOCATION '${space}'`)
  await operator.query("CREATE DATABASE small TABLESPACE small")
  return { disk, store: other.replace("/other", "/small") }
}

/** A text that the server cannot compress into a page that has room. */
const largeText = randomBytes(30_000).toString("base64")

test.each([
  ["the disk of its tables", putTablesOnDisk],
  ["its only disk", putAllOnDisk],
])(
  "while Postgres has no space on %s, messages are refused and open streams informed",
  async (_, prepare) => {
    const { disk, store } = await prepare()
    const filled = Promise.withResolvers<void>()
    const gateway = createAgent("You write.", {
      provider: scriptedProvider(({ messages }) =>
        JSON.stringify(messages).includes("Slowly")
          ? [
              { type: "text", text: "Slow: " },
              { type: "wait", until: filled.promise },
              { type: "text", text: largeText },
            ]
          : [{ type: "text", text: "Quick." }],
      ),
      store,
      logger: quiet,
      validApiKeys: ["test-key"],
      rateLimits: false,
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const { url } = await gateway.listen({ port: 0 })
    const running = await startSession(url)
    const idle = await startSession(url)
    const stream = await running.chat("Slowly")
    const before = await stream.until(({ event }) => event.type === "text_delta")

    await disk.fill()
    filled.resolve()
    const waiting = await stream.until(({ event }) => event.type === "status")
    expect(waiting.at(-1)?.event).toMatchObject({ type: "status", message: expect.stringContaining("store") })
    const ready = await fetch(`${url}/api/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ checks: { store: { ok: false } } })
    for (let message = 0; message < 20; message++) {
      const refused = await idle.post("/chat", { message: "Hi" })
      expect(await problemOf(refused)).toMatchObject({ status: 503, code: "store_unavailable" })
    }
    expect((await fetch(`${url}/api/health`)).status).toBe(200)

    await disk.free()
    const frames = [...before, ...waiting, ...(await stream.rest())]
    expect(assemble(frames)).toMatchObject({
      text: `Slow: ${largeText}`,
      terminal: { terminal_disposition: "completed" },
    })
    await eventually("the readiness", async () => (await fetch(`${url}/api/ready`)).status === 200 || null)
    expect(assemble(await (await idle.chat("Hi")).rest()).text).toBe("Quick.")
  },
)
