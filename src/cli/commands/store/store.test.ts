import { describe, expect, it } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { prepareCliOnStore, silentLogger } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("store")
const { cli } = onStore

const open = () => openSqliteStore({ path: onStore.store, clock: systemClock, logger: silentLogger })

describe("agent-gateway store", () => {
  it("pauses a store, and resumes it", async () => {
    await (await open()).close()
    expect(await cli("restore")).toMatchObject({ code: 0, stdout: expect.stringContaining("is paused") })
    expect((await cli("restore")).stdout).toBe("The store was paused already.\n")
    const store = await open()
    expect(await store.pause?.since()).toBeGreaterThan(0)
    await store.close()
    expect(await cli("resume")).toMatchObject({ code: 0, stdout: expect.stringContaining("is resumed") })
    expect((await cli("resume")).stdout).toBe("The store was not paused.\n")
  })

  it("creates no store", async () => {
    const { code, stderr } = await cli("restore")
    expect(code).toBe(1)
    expect(stderr).toContain("No gateway has its data in")
  })

  it.each([
    [[], "an action is missing"],
    [["resto"], "unknown action resto; did you mean restore?"],
    [["restore", "now"], "unexpected argument now"],
  ])("refuses %j", async (argv, problem) => {
    const { code, stderr } = await cli(...argv)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  })
})
