import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import type { NewSession } from "../../../core/ports/store/session-log.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createMessage } from "../../../testing/session-log/fixtures.ts"
import { prepareCliOnStore, silentLogger } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("sessions")
const { cli } = onStore

/** Stores sessions, newest last. Each session whose id starts with `sess_open` also has a message. */
async function stored(...sessions: readonly (Partial<NewSession> & { readonly id: string })[]) {
  const store = await openSqliteStore({ path: onStore.store, clock: systemClock, logger: silentLogger })
  for (const [index, session] of sessions.entries()) {
    const base = { tenant: "key_1", userId: "ada", agent: "agent", createdAt: 1_700_000_000_000 + index }
    await store.log.createSession({ ...base, ...session })
    if (session.id.startsWith("sess_open"))
      await store.log.put(createMessage(session.id, { runId: `run_${index}` }))
  }
  await store.close()
}

describe("agent-gateway sessions list", () => {
  it("lists sessions newest first, and prints how to continue the list", async () => {
    await stored({ id: "sess_a" }, { id: "sess_open" }, { id: "sess_c", agent: "second", userId: "bob" })
    const all = await cli("list")
    expect(all).toMatchObject({ code: 0, stderr: "" })
    expect(all.stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ["sess_c", "idle", "second", "key_1/bob"],
      ["sess_open", "unserved", "agent", "key_1/ada"],
      ["sess_a", "idle", "agent", "key_1/ada"],
      [""],
    ])
    const first = await cli("list", "--limit", "2")
    const [, after = ""] = /add --after (\S+)\n$/.exec(first.stdout) ?? []
    const second = await cli("list", "--limit", "2", "--after", after)
    expect(second.stdout).toMatch(/^sess_a .*\n$/)
  })

  it.each([
    [["--agent", "second"], ["sess_c"]],
    [["--state", "unserved"], ["sess_open"]],
    [
      ["--tenant", "key_1", "--user", "ada"],
      ["sess_open", "sess_a"],
    ],
    [["--tenant", "key_2", "--user", "ada"], []],
    [
      ["--tenant", "key_1"],
      ["sess_c", "sess_open", "sess_a"],
    ],
    [["--tenant", "key_2"], []],
    [["--state", "waiting"], []],
  ])("filters by %j", async (filters, expected) => {
    await stored({ id: "sess_a" }, { id: "sess_open" }, { id: "sess_c", agent: "second", userId: "bob" })
    const { stdout } = await cli("list", "--json", ...filters)
    const { items, next } = JSON.parse(stdout) as { items: readonly { id: string }[]; next: unknown }
    expect([items.map(({ id }) => id), next]).toEqual([expected, null])
    if (expected.length === 0) expect((await cli("list", ...filters)).stdout).toBe("No session matches.\n")
  })

  it("escapes characters that a terminal would interpret", async () => {
    const hostile = "\u001b[2Kls\u009b1F\n\u202eexe.txt\u2069\u0007"
    await stored({ id: "sess_a", userId: hostile, tenant: hostile, agent: hostile })
    for (const argv of [["list"], ["show", "sess_a"], ["list", "--json"], ["show", "sess_a", "--json"]]) {
      const { stdout } = await cli(...argv)
      expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
      expect(stdout).toContain("exe.txt")
    }
    expect((await cli("list")).stdout.trimEnd().split("\n")).toHaveLength(1)
  })

  it("refuses a position that no page printed", async () => {
    await stored({ id: "sess_a" })
    expect(await cli("list", "--after", "x")).toMatchObject({
      code: 1,
      stderr: "agent-gateway: after must be the `next` of an earlier page.\n",
    })
  })

  it.each([
    [["list", "--limit", "0"], "--limit: Too small: expected number to be >=1"],
    [["list", "--limit", "201"], "--limit: Too big: expected number to be <=200"],
    [["list", "--state", "open"], '--state: Invalid option: expected one of "idle"'],
    [["list", "--limit", "x"], "--limit: Invalid input: expected number"],
    [["list", "--user", "ada"], "--user: requires tenant"],
    [["list", "sess_a"], "unexpected argument sess_a"],
    [["show"], "SESSION_ID is missing"],
    [["show", "a", "--state", "idle"], "show takes no --state"],
    [["delete"], "unknown action delete"],
    [[], "an action is missing"],
  ])("%j is a usage error", async (argv, problem) => {
    await stored({ id: "sess_a" })
    const { code, stderr } = await cli(...argv)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  })
})

describe("agent-gateway sessions show", () => {
  it("shows a session with its runs", async () => {
    const parent = { sessionId: "sess_root", runId: "run_7", toolCallId: "call_1" }
    await stored({ id: "sess_open", parent, rootId: "sess_root" })
    const { stdout } = await cli("show", "sess_open")
    expect(stdout.replace(/\d+ bytes/, "N bytes")).toBe(`sess_open
  agent    agent
  state    unserved
  user     ada, tenant key_1
  created  2023-11-14T22:13:20.000Z
  used     2023-11-14T22:13:20.000Z
  parent   sess_root, run run_7
  root     sess_root
  stored   N bytes
  run      run_0  unserved     1970-01-01T00:00:02.000Z
`)
    expect(JSON.parse((await cli("show", "sess_open", "--json")).stdout)).toMatchObject({
      session: { id: "sess_open" },
      runs: [{ id: "run_0" }],
    })
  })

  it("fails for a session that does not exist, and creates no store if there is none", async () => {
    expect((await cli("show", "sess_none")).stderr).toContain("No gateway has its data in")
    expect(existsSync(join(onStore.store, "processes"))).toBe(false)
    await stored({ id: "sess_a" })
    expect(await cli("show", "sess_none")).toMatchObject({
      code: 1,
      stderr: "agent-gateway: The session does not exist or has expired.\n",
    })
  })
})
