import { once } from "node:events"
import { copyFile, mkdir, readFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { json } from "node:stream/consumers"
import { expect, onTestFinished, test } from "vitest"
import { startScriptedUpstream } from "../../src/testing/provider/scripted-upstream.ts"
import { startCli } from "../cli-process.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { visitHelpDesk } from "./support/help-desk.ts"
import { runProgram } from "./support/run-program.ts"
import { createShopModel, type ShopModelOptions } from "./support/shop-model.ts"

const example = join(import.meta.dirname, "../../examples/21-from-python")

/** Starts the scripted model. Returns its requests, and the variables that point an application to it. */
async function startShopModel(options?: ShopModelOptions) {
  const model = await startScriptedUpstream(createShopModel(options))
  onTestFinished(() => model.close())
  return { env: { ANTHROPIC_API_KEY: "sk-1", ANTHROPIC_BASE_URL: model.url }, requests: model.requests }
}

/** Starts a receiver of webhooks. Returns its address and the bodies that it has received. */
async function startReceiver() {
  const bodies: unknown[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await json(request))
    response.end()
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, bodies }
}

test("the help desk asks once for each currency, denies large refunds, and asks two sub-agents", async () => {
  const cwd = await temporaryFolder()
  const { env } = await startShopModel()
  const cli = startCli(["start", join(example, "agent.ts"), "--port", "0"], { cwd, env })
  const [, url = ""] = await cli.printed(/Listening on (http:\S+?)[,\s]/m)
  // `scripts/original/run-example.ts` prints the same for shop.py, except for the texts of errors.
  expect(await visitHelpDesk(url)).toEqual({
    first: { text: 'Done: {"refunded":40,"currency":"EUR"}', asked: ["EUR"], denied: [] },
    again: { text: 'Done: {"refunded":5,"currency":"EUR"}', asked: [], denied: [] },
    otherCurrency: { text: expect.stringContaining("denied"), asked: ["USD"], denied: [] },
    tooLarge: {
      text: expect.stringContaining("Refunds over 500 are made by the accountant."),
      asked: [],
      denied: ["too_large"],
    },
    experts: {
      text: expect.stringMatching(/Order 18 is lost, so it is refunded\..+ and .+The stock: .+pieces.+4/),
      asked: [],
      denied: [],
    },
  })
})

test("the report is repeated after an outage, delivered to the webhook, and keeps its state", async () => {
  const cwd = await temporaryFolder()
  const { url, bodies } = await startReceiver()
  // The gateway calls the model four times in the first run, so the second run is the one that succeeds.
  const model = await startShopModel({ failures: 4 })
  const env = { ...model.env, REPORT_WEBHOOK: url }
  const first = await runProgram(join(example, "report.ts"), { cwd, env })
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/One order is lost\.[\s\S]+Next order: 19/),
  })
  expect(bodies).toMatchObject([
    { type: "run.failed" },
    { type: "run.completed", data: { response: expect.stringContaining("One order is lost.") } },
  ])
  const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
  expect(state).toMatchObject({ next_order: 19, outcome: "success", tools_used: ["find_order"] })
  // The job of the day has ended, so the model is not called again.
  const { length: calls } = model.requests
  expect(await runProgram(join(example, "report.ts"), { cwd, env })).toMatchObject({ code: 0 })
  expect([model.requests.length, bodies.length]).toEqual([calls, 2])
})

test.each([
  { isQuiet: false, printed: "Attention: The teapot is out of stock.\n" },
  { isQuiet: true, printed: "" },
])("the watch prints only what needs attention, with isQuiet: $isQuiet", async ({ isQuiet, printed }) => {
  const cwd = await temporaryFolder()
  const { env } = await startShopModel({ isQuiet })
  const options = { cwd, env: { ...env, WATCH_TICKS: "1" } }
  expect(await runProgram(join(example, "watch.ts"), options)).toMatchObject({
    code: 0,
    stdout: printed,
  })
  const state = JSON.parse(await readFile(join(cwd, "state/heartbeat_state.json"), "utf8"))
  expect(state).toMatchObject({ tick_count: 1, last_outcome: isQuiet ? "quiet" : "alert" })
})

test("the report and the watch continue from the files of the Python form", async () => {
  const cwd = await temporaryFolder()
  const state = join(cwd, "state")
  const fixtures = join(import.meta.dirname, "fixtures")
  await mkdir(state)
  await copyFile(join(fixtures, "original-state.json"), join(state, "state.json"))
  await copyFile(join(fixtures, "original-heartbeat-state.json"), join(state, "heartbeat_state.json"))
  const { env } = await startShopModel()
  const report = await runProgram(join(example, "report.ts"), { cwd, env })
  expect(report.stdout).toContain("Next order: 20")
  const kept = JSON.parse(await readFile(join(state, "state.json"), "utf8"))
  expect(kept).toMatchObject({ next_order: 20, run_count: 1, outcome: "success" })
  expect(kept).not.toHaveProperty("connected_servers")
  await runProgram(join(example, "watch.ts"), { cwd, env: { ...env, WATCH_TICKS: "1" } })
  const ticks = JSON.parse(await readFile(join(state, "heartbeat_state.json"), "utf8"))
  expect(ticks).toMatchObject({ tick_count: 3, last_outcome: "alert" })
})

test("the blocks of the migration page are parts of the example", async () => {
  const page = await readFile(join(example, "../../docs/migration.md"), "utf8")
  const [, section = ""] = /^## An application, side by side$(.+?)^## /ms.exec(page) ?? []
  const files = ["shop.py", "shop.ts", "agent.ts", "report.ts", "watch.ts"]
  const sources = await Promise.all(files.map((file) => readFile(join(example, file), "utf8")))
  const blocks = [...section.matchAll(/^```\w+\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block)
  expect(blocks).toHaveLength(8)
  expect(blocks.filter((block) => !sources.some((source) => source.includes(block)))).toEqual([])
})
