import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { requires } from "../needs.ts"
import { openPage } from "./chromium.ts"
import { repository, startSuite } from "./support.ts"

// Each test starts a gateway several times. `npm run test:package` runs the same suite in every supported Node, Bun
// and Deno. The tests run one after the other, because what they start ends with the test that Vitest started last.

type Outcomes = Readonly<Record<string, string | null>>

function expectAllPassed(outcomes: Outcomes): void {
  expect(Object.keys(outcomes).length).toBeGreaterThan(8)
  expect(Object.entries(outcomes).filter(([, failure]) => failure !== null)).toEqual([])
}

test("the client works in Node", async () => {
  const { url } = await startSuite()
  const args = [`${repository}test/client/suite/run.mjs`, url, `file://${repository}dist/client`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 220_000 })
  expectAllPassed(JSON.parse(stdout.slice("OUTCOMES ".length)))
})

test("the client works in Chromium", async () => {
  await requires("chromium")
  const { url } = await startSuite()
  const page = await openPage(url)
  expectAllPassed(
    await page.evaluate<Outcomes>(`(async () => {
      const [client, view, { runScenarios }, { longText }] = await Promise.all(
        ["client/index.js", "client/view/index.js", "suite/scenarios.mjs", "suite/model.mjs"].map((path) => import("/" + path)),
      )
      return runScenarios({ ...client, ...view }, { control: location.origin, longText })
    })()`),
  )
})
