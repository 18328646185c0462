import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { axe, findings, overflow, windows } from "./axe.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"

const onEnd = atEndOfFile()
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const model = await startScriptedModel(onEnd)
  served = await serveConsole(scriptedAgent, { model, onEnd, env: { WINDOW: "12000", PRICED: "yes" } })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

const long = "One sheep jumps over the fence, and the next one follows. ".repeat(60)

/** Sends long messages until a summary replaces the first ones. */
async function talk(url: string, window = {}) {
  const opened = await openConsole(browser, url, window)
  const { page, send, status } = opened
  const mark = page.locator("details.compaction")
  for (let turn = 0; (await mark.count()) === 0; turn++) {
    await send(`${turn}: ${long}`)
    await page.locator("article.assistant").nth(turn).getByText("You said:").waitFor()
    await status("ready")
  }
  return { ...opened, mark }
}

test("a summary leaves a mark that unfolds it, also after a reload, and the timeline shows its cost", async () => {
  const { page, mark, errors } = await talk(served.url)
  const places = (): Promise<readonly string[]> =>
    page.evaluate(`[...document.querySelectorAll("article")].map(
      (each) => each.ariaLabel + (each.querySelector(".compaction") === null ? "" : " with a mark"))`)
  const before = await places()
  await mark.getByText("Earlier messages were summarized here").click()
  await mark.getByText("They counted sheep.").waitFor()
  await mark.getByText(/claude-scripted wrote it for \$\d/).waitFor()
  await page.reload()
  await mark.first().waitFor()
  await expect.poll(places).toEqual(before)
  await mark.getByText("Earlier messages were summarized here").press("Enter")
  await mark.getByText("They counted sheep.").waitFor()

  await page.getByRole("link", { name: "Log" }).click()
  const bar = page.locator(".timeline li").filter({ hasText: "Summary" })
  await bar.getByText(/K → .* tokens, \$\d.*, claude-scripted/).waitFor()
  expect(errors).toEqual([])
})

test.each(windows)("the mark has no violation that axe finds: %s", async (_, window) => {
  const { page, mark } = await talk(served.url, { ...window, bypassCSP: true })
  await mark.locator("summary").click()
  await mark.getByText("They counted sheep.").waitFor()
  await page.addScriptTag({ path: axe })
  await expect.poll(() => findings(page)).toEqual([])
  await expect.poll(() => page.evaluate(overflow)).toBe(0)
})
