import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { startCli } from "../cli-process.ts"
import { requires } from "../needs.ts"
import { calls, says, startModel } from "./support/model.ts"
import { mountSmallDisk, type SmallDisk } from "./support/small-disk.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

// Each test starts several programs and waits for time limits of several seconds.

const agent = fileURLToPath(new URL("../fixtures/run-agent.ts", import.meta.url))

/**
 * Mounts a disk that the test can fill, by default as the working folder, and starts a model that plays this script.
 */
async function setUp(script: (disk: SmallDisk) => Parameters<typeof startModel>[0], folder?: string) {
  await requires("root")
  const disk = await mountSmallDisk(await temporaryFolder(), { megabytes: 8 })
  const model = await startModel(script(disk))
  const env = { ANTHROPIC_API_KEY: "test", ANTHROPIC_BASE_URL: model.url }
  const start = (...args: readonly string[]) =>
    startCli(["run", agent, ...args], { cwd: folder ?? disk.path, env })
  const run = async (...args: readonly string[]) => {
    const cli = start(...args)
    const code = await cli.exited
    return { code, stdout: cli.stdout(), stderr: cli.stderr() }
  }
  return { disk, model, start, run }
}

/**
 * Returns a script that fills the disk before the model's first response, so that the log has no room for further
 * events.
 */
function fillingScript() {
  let requests = 0
  return (disk: SmallDisk) => () => {
    requests += 1
    if (requests > 12) return says("Done.")
    const filled = requests === 1 ? disk.fill() : Promise.resolve()
    const { steps } = calls("look", { at: "x".repeat(30_000) })
    return { steps: [{ type: "wait" as const, until: filled }, ...steps] }
  }
}

test("a run that cannot be stored is an error that names the disk, and calls no model", async () => {
  const { disk, model, run } = await setUp(() => [says("One."), says("Two.")])
  await disk.fill()
  expect(await run("Hello.")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^agent-gateway: The data directory \S+ cannot be used: ENOSPC: [^\n]+\n$/),
  })
  await disk.free()
  const { sessionId } = JSON.parse((await run("Hello.", "--json")).stdout)
  await disk.fill()
  const refused = await run("Hello again.", "--session", sessionId)
  expect(refused).toMatchObject({ code: 1, stdout: "" })
  expect(refused.stderr).toContain("database or disk is full")
  const json = await run("Hello again.", "--json")
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({ outcome: "error", errorCode: "store_unavailable" })
  expect(model.requests).toHaveLength(1)
  await disk.free()
  expect(await run("Hello again.", "--session", sessionId)).toMatchObject({ code: 0, stdout: "Two.\n" })
  expect(JSON.stringify(model.requests[1]?.body)).toContain("One.")
})

test("a job whose disk fills up during its run ends at a signal, and loses nothing", async () => {
  const { disk, start, run } = await setUp(fillingScript())
  const job = ["Look.", "--job", "a", "--state-dir", "state"]
  const cli = start(...job)
  await cli.printed(/a commit failed/)
  cli.signal("SIGTERM")
  expect(await cli.exited).toBe(143)
  expect(cli.stderr()).toContain("run the same command again")
  await disk.free()
  expect(await run(...job)).toMatchObject({ code: 0, stdout: "Done.\n" })
  const folder = join(disk.path, "state")
  expect(JSON.parse(await readFile(join(folder, "state.json"), "utf8"))).toMatchObject({ run_count: 1 })
})

test.each([
  // The disk is full before that, even if the process stalls.
  ["its time limit", 1, ["--timeout", "15s"]],
  ["a signal", 143, []],
] as const)(
  "a run whose disk fills up during its work ends at %s, and reports that it stays open",
  async (_, code, args) => {
    const { disk, start, run } = await setUp(fillingScript())
    const cli = start("Look.", ...args)
    await cli.printed(/a commit failed/)
    if (code === 143) cli.signal("SIGTERM")
    expect(await cli.exited).toBe(code)
    expect(cli.stdout()).toBe("")
    expect(cli.stderr()).toMatch(
      /agent-gateway: The run failed: The run could not be canceled, because the store is unavailable\. It stays open/,
    )
    await disk.free()
    expect(await run("And now?")).toMatchObject({ code: 0 })
  },
)

test("a state that does not fit on the disk is an error, the response is printed, and the old state stays", async () => {
  const { disk, run } = await setUp(
    () => [says("One."), says("Two."), says("Three.")],
    await temporaryFolder(),
  )
  const folder = join(disk.path, "state")
  const state = async () => JSON.parse(await readFile(join(folder, "state.json"), "utf8"))
  expect(await run("One?", "--state-dir", folder)).toMatchObject({ code: 0 })
  const files = await readdir(folder)
  await disk.fill()
  const full = await run("Two?", "--state-dir", folder)
  expect(full).toMatchObject({ code: 1, stdout: "Two.\n" })
  expect(full.stderr).toMatch(/its state was not saved\. .*ENOSPC/)
  expect(await state()).toMatchObject({ run_count: 1 })
  expect(await readdir(folder)).toEqual(files)
  await disk.free()
  expect(await run("Three?", "--state-dir", folder)).toMatchObject({ code: 0 })
  expect(await state()).toMatchObject({ run_count: 2 })
})
