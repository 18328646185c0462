import { describe, expect, it } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import { randomIds } from "../../../core/ids.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { prepareCliOnStore, silentLogger, terminalControls } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("schedules")
const { cli } = onStore

/** Stores a schedule with this name and message. Resolves to its id. */
async function stored(name: string, message = "Look."): Promise<string> {
  const opened = await openSqliteStore({ path: onStore.store, clock: systemClock, logger: silentLogger })
  const id = randomIds.next("sched")
  const spec = { every: "1h", timezone: "UTC", session: "fresh", overlap: "skip", catchUp: "one" } as const
  const at = Date.UTC(2100, 0, 1)
  try {
    await opened.schedules.create(
      {
        id,
        agent: "agent",
        tenant: "t",
        userId: "ada",
        name,
        origin: "user",
        spec: { ...spec, message },
        sessionId: null,
        createdAt: at - 3_600_000,
        nextAt: at,
        wakeAt: at,
      },
      { perOwner: 100, perAgent: 100 },
    )
  } finally {
    await opened.close()
  }
  return id
}

describe("agent-gateway schedules", () => {
  it("lists schedules, for people and as JSON", async () => {
    const id = await stored("hourly")
    const { code, stdout } = await cli("list")
    expect(code).toBe(0)
    expect(stdout).toBe(
      `${id}  hourly  active\n  agent    agent\n  owner    t ada, made by user\n  time     every 1h\n` +
        "  next     2100-01-01T00:00:00.000Z\n  message  Look.\n",
    )
    expect(JSON.parse((await cli("list", "--json")).stdout)).toMatchObject({
      items: [{ id, name: "hourly" }],
    })
    expect((await cli("list", "--agent", "other")).stdout).toBe("There are no such schedules.\n")
    expect((await cli("list", "--after", id)).stdout).toBe("There are no such schedules.\n")
  })

  it("pauses, resumes, runs and removes one, and shows its history", async () => {
    const id = await stored("hourly")
    expect((await cli("pause", id)).stdout).toBe("paused hourly\n")
    expect((await cli("list")).stdout).toContain("hourly  paused\n")
    expect((await cli("resume", id)).stdout).toMatch(/^resumed hourly, next \d{4}-/)
    expect((await cli("show", id)).stdout).toMatch(
      / {2}message {2}Look\.\nThe schedule has no history yet\.\n$/,
    )
    expect((await cli("run", id)).stdout).toMatch(/Z {2}run manually, started {2}sess_\w+ run_\w+\n$/)
    expect(await cli("run", id)).toMatchObject({ code: 1, stderr: expect.stringContaining("is still open") })
    expect(JSON.parse((await cli("show", id, "--json")).stdout)).toMatchObject({
      history: [{ outcome: "started" }],
    })
    expect((await cli("remove", id)).stdout).toBe("done\n")
    expect(await cli("show", id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no such schedule"),
    })
  })

  it("escapes characters that a terminal would interpret", async () => {
    await stored("\r\u001b[2K\u009b1F", "\u202eexe.txt\u0007\nsecond line")
    for (const options of [[], ["--json"]])
      expect((await cli("list", ...options)).stdout).not.toMatch(terminalControls)
  })

  it.each([
    [[], "an action is missing"],
    [["start"], "unknown action start"],
    [["pause"], "SCHEDULE_ID is missing"],
    [["list", "x"], "unexpected argument x"],
    [["run", "x", "--agent", "y"], "takes no --agent"],
    [["create", "--agent", "y", "--name", "z", "--terms", "daily"], "--terms must be JSON"],
  ])("%j is a usage error", async (args, problem) => {
    expect(await cli(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) })
  })
})
