import { describe, expect, it } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createMemory, rememberAll } from "../../../testing/store/memory-fixtures.ts"
import { prepareCliOnStore, silentLogger, terminalControls } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("memory")
const { cli } = onStore

/** Text that looks different on a terminal that interprets its control characters. */
const hostile = "note\r\u001b[2K\u009b1F\n\u202eexe.txt\u0007"

async function stored(...names: readonly string[]): Promise<void> {
  const { memory, close } = await openSqliteStore({
    path: onStore.store,
    clock: systemClock,
    logger: silentLogger,
  })
  const scope = { tenant: "app_default", userId: "ada", agent: null }
  await rememberAll(
    memory,
    names.map((name) => createMemory(scope, name, { content: `${name} content`, tags: ["red"] })),
  )
  await rememberAll(memory, [createMemory({ ...scope, agent: "own" }, "private")])
  await close()
}

describe("agent-gateway memory", () => {
  it("lists the memories of one user", async () => {
    await stored("a", "b")
    const { code, stdout } = await cli("list", "--user", "ada")
    expect([code, stdout.replaceAll(/\d{4}-\S+/g, "TIME")]).toEqual([
      0,
      "note/a  TIME #red\n  a content\nnote/b  TIME #red\n  b content\n",
    ])
    expect(JSON.parse((await cli("list", "--user", "ada", "--agent", "own", "--json")).stdout)).toMatchObject(
      { items: [{ name: "private" }], next: null },
    )
    expect((await cli("list", "--user", "bob")).stdout).toBe("The user has no memories.\n")
    expect((await cli("list", "--user", "ada", "--tenant", "other")).stdout).toBe(
      "The user has no memories.\n",
    )
  })

  it("escapes characters that a terminal would interpret", async () => {
    await stored(hostile)
    for (const more of [[], ["--json"]]) {
      expect((await cli("list", "--user", "ada", ...more)).stdout).not.toMatch(terminalControls)
    }
  })

  it("forgets by name, by name and type, or all memories", async () => {
    await stored("a", "b", "c")
    expect((await cli("forget", "a", "--user", "ada")).stdout).toBe("forgot 1 memory\n")
    expect(await cli("forget", "a", "--user", "ada")).toMatchObject({ code: 1 })
    expect(await cli("forget", "b", "--entity-type", "fact", "--user", "ada")).toMatchObject({ code: 1 })
    expect((await cli("forget", "b", "--entity-type", "note", "--user", "ada")).code).toBe(0)
    expect((await cli("forget-all", "--user", "ada")).stdout).toBe("forgot 1 memory\n")
    expect((await cli("list", "--user", "ada", "--agent", "own")).stdout).toContain("private")
  })

  it.each([
    [["list"]],
    [["show", "--user", "ada"]],
    [["list", "a", "--user", "ada"]],
    [["forget", "--user", "ada"]],
    [["forget-all", "a", "--user", "ada"]],
    [["forget-all", "--entity-type", "note", "--user", "ada"]],
  ])("refuses %j", async (argv) => {
    expect(await cli(...argv)).toMatchObject({ code: 2 })
  })
})
