import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { anthropicEvents } from "../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../src/testing/provider/scripted-upstream.ts"
import { chromiumProgram } from "../test/chromium-program.ts"
import { serveConsole } from "./serve-console.ts"

// Writes docs/images/console.png, from the built package: run `npm run build` first. Needs Debian's
// `chromium-headless-shell`.

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

const plan = [
  "The build is green. Two steps are left:\n\n",
  "| Step | Time | State |\n|:--|--:|:--|\n| types | 2.1 s | passed |\n| tests | 84 s | passed |\n\n",
  "```sh\nnpm publish --tag next\n```\n\n",
  "I clear the **old cache** first, if you allow it.",
]
const model = await startScriptedUpstream(() => ({
  steps: anthropicEvents([
    { type: "text", text: plan },
    { type: "toolCall", name: "erase", input: { folder: "/var/cache/build", keep_days: 7 } },
  ]),
}))
const gateway = await serveConsole("scripts/fixtures/console-screenshot-agent.mjs", {
  ANTHROPIC_API_KEY: "sk-screenshot",
  ANTHROPIC_BASE_URL: model.url,
})
const browser = await chromium.launch({ executablePath: chromiumProgram, chromiumSandbox: false })
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 780 } })
  await page.goto(gateway.url)
  await page.getByLabel("Message", { exact: true }).fill("Can we release today?")
  await page.keyboard.press("Enter")
  await page.getByRole("button", { name: "Allow", exact: true }).waitFor()
  await page.screenshot({ path: path("docs/images/console.png") })
} finally {
  await browser.close()
  await gateway.close()
  await model.close()
}
