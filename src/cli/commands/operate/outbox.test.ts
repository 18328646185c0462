import { describe, expect, it } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createItemWriter } from "../../../kernel/sessions/fixtures/outbox.ts"
import { prepareCliOnStore, silentLogger, terminalControls } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("outbox")
const { cli } = onStore

/** Text that looks different on a terminal that interprets its control characters. */
const hostile = "webhook\r\u001b[2K\u009b1F\n\u202eexe.txt\u0007"

/** Stores the items. Items of the kind `dead` and of hostile kinds become dead rows. */
async function stored(...items: readonly OutboxItem[]) {
  const opened = await openSqliteStore({ path: onStore.store, clock: systemClock, logger: silentLogger })
  try {
    const write = await createItemWriter(opened)
    await write(...items)
    for (const kind of new Set(items.map((item) => item.kind))) {
      if (kind === "waiting") continue
      const claim = { kind, limit: 100, maxBytes: 1_000_000, leaseMs: 1_000 }
      for (const item of await opened.outbox.claim(claim)) {
        await opened.outbox.fail(item, { error: `refused ${hostile}`, retryInMs: null })
      }
    }
  } finally {
    await opened.close()
  }
}

const item = (id: string, kind: string) => ({ id, kind, payload: { id } })
const numbersIn = (json: string) =>
  (JSON.parse(json) as { items: { number: number }[] }).items.map(({ number }) => number)

describe("agent-gateway outbox", () => {
  it("lists rows with the reason of their failure, and filters the list", async () => {
    await stored(item("a", "waiting"), item("b", "dead"), item("c", "dead"))
    const { code, stdout } = await cli("list")
    expect(code).toBe(0)
    expect(stdout).toContain("1  waiting  waiting\n  id       a\n")
    expect(stdout).toContain("2  dead  dead\n  id       b\n")
    expect(stdout).toContain('  attempts 1\n  payload  {"id":"b"} (10 bytes)\n  error    refused webhook')
    expect(numbersIn((await cli("list", "--json", "--state", "dead")).stdout)).toEqual([2, 3])
    expect(numbersIn((await cli("list", "--json", "--kind", "waiting")).stdout)).toEqual([1])
    expect(numbersIn((await cli("list", "--json", "--after", "2")).stdout)).toEqual([3])
    expect((await cli("list", "--session", "sess_none")).stdout).toBe("The outbox has no such rows.\n")
  })

  it("escapes characters that a terminal would interpret", async () => {
    await stored({ id: hostile, kind: hostile, payload: hostile })
    for (const options of [[], ["--json"]]) {
      expect((await cli("list", ...options)).stdout).not.toMatch(terminalControls)
    }
  })

  it("retries dead rows by their numbers, or all of a kind", async () => {
    await stored(item("a", "dead"), item("b", "dead"), item("c", "other"))
    expect((await cli("retry", "1")).stdout).toBe("retried 1 row\n")
    expect(await cli("retry", "1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no such row that is dead"),
    })
    expect((await cli("retry", "--all-dead", "--kind", "dead")).stdout).toBe("retried 1 row\n")
    expect((await cli("retry", "--all-dead")).stdout).toBe("retried 1 row\n")
    expect((await cli("retry", "--all-dead")).stdout).toBe("retried 0 rows\n")
    expect(numbersIn((await cli("list", "--json", "--state", "dead")).stdout)).toEqual([])
  })

  it("drops rows by their numbers, and all dead ones", async () => {
    await stored(item("a", "waiting"), item("b", "waiting"), item("c", "dead"), item("d", "other"))
    expect((await cli("drop", "--all-dead", "--kind", "other")).stdout).toBe("dropped 1 row\n")
    expect((await cli("drop", "--all-dead")).stdout).toBe("dropped 1 row\n")
    expect((await cli("drop", "1", "99")).stdout).toBe("dropped 1 row\n")
    expect(numbersIn((await cli("list", "--json")).stdout)).toEqual([2])
    expect((await cli("drop", "1")).code).toBe(1)
  })

  it.each([
    [[], "an action is missing"],
    [["show"], "unknown action show"],
    [["retry"], "give the numbers of rows, or choose all dead rows"],
    [["drop", "1", "--all-dead"], "give the numbers of rows, or choose all dead rows"],
    [["drop", "one"], "NUMBERS: Invalid input: expected number"],
    [["drop", "-1"], "-1"],
    [["retry", "1", "--kind", "a"], "--kind: goes with all dead rows"],
    [["list", "1"], "unexpected argument 1"],
    [["list", "--all-dead"], "list takes no --all-dead"],
    [["list", "--after", "x"], "--after: Invalid input: expected number"],
    [["drop", "1", "--state", "dead"], "drop takes no --state"],
  ])("refuses %j", async (argv, message) => {
    expect(await cli(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })

  it("creates no store if there is none", async () => {
    expect(await cli("list")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No gateway has its data"),
    })
  })
})
