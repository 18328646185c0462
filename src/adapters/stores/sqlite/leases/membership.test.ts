import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { openSqliteStore } from "../open.ts"
import { joinMembers } from "./membership.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const clock = { now: () => 1_000 }

let path = ""
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterEach(() => rmSync(path, { recursive: true }))

/** Starts a process that prints the script's output and then lives until it is killed. */
async function processThatSays(script: string): Promise<{ readonly said: string; kill(): Promise<void> }> {
  const code = `${script}; setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exited = once(child, "exit")
  const said = Promise.race([once(child.stdout, "data"), exited.then(() => ["it ended"])])
  return {
    said: String((await said)[0]).trim(),
    async kill() {
      child.kill("SIGKILL")
      await exited
    },
  }
}

const moduleUrl = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)

test("a session is free immediately after its process is killed, and not before", async () => {
  const store = await openSqliteStore({ path, clock, logger })
  const { log } = store
  await log.createSession({ id: "sess_1", tenant: "t", userId: "u", agent: "a", createdAt: 1 })
  const other = await processThatSays(`
    import { openSqliteStore } from ${moduleUrl("../open.ts")}
    const ignore = () => undefined
    const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
    const store = await openSqliteStore({ path: ${JSON.stringify(path)}, clock: { now: () => 1000 }, logger })
    const lease = await store.log.claim("sess_1", ["a"])
    console.log(lease.epoch)`)
  try {
    expect(other.said).toBe("1")
    expect(readdirSync(join(path, "processes"))).toHaveLength(2)
    expect(await log.claim("sess_1", ["a"])).toBeNull()
  } finally {
    await other.kill()
  }
  expect(await log.claim("sess_1", ["a"])).toMatchObject({ epoch: 2 })
  expect(readdirSync(join(path, "processes"))).toHaveLength(1)
  await store.close()
})

test("another member of the same process does not release this one's lock when it looks or leaves", async () => {
  const [first, second] = [await joinMembers(path), await joinMembers(path)]
  expect([first.isLive(second.id), second.isLive(first.id)]).toEqual([true, true])
  second.end()
  expect(first.isLive(second.id)).toBe(false)
  const outside = await processThatSays(`
    import { joinMembers } from ${moduleUrl("./membership.ts")}
    const member = await joinMembers(${JSON.stringify(path)})
    console.log(member.isLive("${first.id}"), member.isLive("${second.id}"))`)
  await outside.kill()
  expect(outside.said).toBe("true false")
  expect(first.isLive(first.id)).toBe(true)
  first.end()
})

test("the files of dead processes are removed by the next process that joins", async () => {
  const dead = await processThatSays(`
    import { joinMembers } from ${moduleUrl("./membership.ts")}
    console.log((await joinMembers(${JSON.stringify(path)})).id)`)
  await dead.kill()
  expect(existsSync(join(path, `${dead.said}.lock`))).toBe(true)
  const member = await joinMembers(path)
  expect(readdirSync(path)).toEqual([`${member.id}.lock`])
  member.end()
  member.end()
  expect(readdirSync(path)).toEqual([])
})

test("an unknown owner is dead", async () => {
  const member = await joinMembers(path)
  expect(member.isLive("00000000-0000-0000-0000-000000000000")).toBe(false)
  member.end()
})
