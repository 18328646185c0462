import type { Browser, Page } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"
import { startRun } from "./start-run.ts"

const onEnd = atEndOfFile()
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const model = await startScriptedModel(onEnd)
  served = await serveConsole(scriptedAgent, { model, onEnd })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

/** A direction override and isolate, zero-width characters, tag characters, a terminal's escape sequence, fillers. */
const hidden = "\u202e\u2066\u200b\u200e\u2060\ufeff\u{e0041}\u{e007f}\u001b[2K\u009b\u3164\u00ad"
const shown =
  "\\u202e\\u2066\\u200b\\u200e\\u2060\\ufeff\\udb40\\udc41\\udb40\\udc7f\\u001b[2K\\u009b\\u3164\\u00ad"
const folder = `/srv/${hidden}gpj.exe`

/** Script that returns all text of the page that contains a character of `hidden`: elements, attributes and fields. */
const rawTexts = `(() => {
  const texts = [document.title, document.body.textContent]
  for (const element of document.querySelectorAll("*")) {
    texts.push(...[...element.attributes].map(({ value }) => value))
    if ("value" in element) texts.push(element.value)
  }
  return texts.filter((text) => /(?![\\n\\t])[\\p{Cc}\\p{Cf}\\u3164]/u.test(text))
})()`

async function expectNoRawText(page: Page): Promise<void> {
  expect(await page.evaluate(rawTexts)).toEqual([])
}

test("characters that reverse or hide text are shown as escapes in approvals, and while they are edited", async () => {
  const call = `call|erase|${JSON.stringify({ folder, [`a${hidden}`]: 1 })}`
  await startRun(served, call)
  const { page } = await openConsole(browser, `${served.url}/console/#/approvals`)
  const card = page.getByRole("article", { name: "erase of ada" })
  await card.getByText(`"folder": "/srv/${shown}gpj.exe"`).waitFor()
  await expectNoRawText(page)

  await card.getByRole("button", { name: "Edit", exact: true }).click()
  const field = card.getByLabel("folder (JSON)")
  await expect.poll(() => field.inputValue()).toBe(`"/srv/${shown}gpj.exe"`)
  await card.getByLabel("depth").fill("2")
  await expectNoRawText(page)
  await card.getByRole("button", { name: "Edit as JSON" }).click()
  await expectNoRawText(page)

  // The value that was not edited is still the model's.
  await card.getByRole("button", { name: "Allow with these arguments" }).click()
  await page.getByText("Nothing waits for you").waitFor()
  await page.goto(`${served.url}/console/#/runs?state=completed`)
  await page.locator("tbody a.id").first().click()
  await page.getByRole("button", { name: /toolCallCompleted/ }).click()
  await page.getByText(`/srv/${shown}gpj.exe is empty at depth 2`).waitFor()
  await expectNoRawText(page)
})

test("a conversation shows them as escapes too, in its title, its messages and its tool cards", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send(`Delete ${hidden} **it**`)
  await status("ready")
  await page.locator("article.assistant").getByText(`You said: Delete ${shown} it`).waitFor()
  await page
    .locator(".conversations")
    .getByText(/Delete \\u202e\\u2066/)
    .first()
    .waitFor()
  await send(`call|erase|${JSON.stringify({ folder })}`)
  await status("waiting")
  await page.locator("form.wait").getByText(shown).waitFor()
  await expectNoRawText(page)
})
