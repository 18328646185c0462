import { beforeEach, expect, test } from "vitest"
import { requires } from "../needs.ts"
import { axe, findings } from "./axe.ts"
import { openBrowser, openConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"
import { startRun } from "./start-run.ts"

beforeEach(() => requires("chromium"))

test("a view says since when its data is old, and recovers by itself when the gateway is back", async () => {
  const model = await startScriptedModel()
  const first = await serveConsole(scriptedAgent, { model })
  const { sessionId } = await startRun(first, "Hello.")
  const browser = await openBrowser()
  const { page, errors } = await openConsole(browser, `${first.url}/console/#/sessions`, { bypassCSP: true })
  await page.addScriptTag({ path: axe })
  const row = page.getByRole("row", { name: sessionId })
  await row.waitFor()
  // This page has not loaded the code of the views for operators.
  const { page: other } = await openConsole(browser, `${first.url}/console/#/`)
  await other.getByLabel("Message", { exact: true }).waitFor()

  first.cli.signal("SIGKILL")
  await first.cli.exited
  const notice = page.getByRole("status").filter({ hasText: "The data of this view is old" })
  await notice.getByText(/It was loaded at \d.* The gateway cannot be reached\./).waitFor()
  await row.waitFor()
  await expect.poll(() => findings(page)).toEqual([])
  await page.getByRole("link", { name: "Runs", exact: true }).click()
  await page.getByRole("alert").getByText("The gateway cannot be reached.").waitFor()
  await page.goBack()
  await page.getByRole("alert").getByText("The gateway cannot be reached.").waitFor()
  await other.getByRole("link", { name: "Status" }).click()
  await other.getByRole("alert").getByText("The view could not be loaded").waitFor()

  const { port } = new URL(first.url)
  const second = await serveConsole(scriptedAgent, { model, port, folder: first.folder })
  await row.waitFor()
  await other.getByRole("heading", { name: "Status", level: 1 }).waitFor()

  second.cli.signal("SIGKILL")
  await second.cli.exited
  await notice.waitFor()
  const third = await serveConsole(scriptedAgent, { model, port, folder: first.folder })
  await notice.waitFor({ state: "detached" })
  await page.getByRole("status").getByText("The data of this view is up to date again.").waitFor()
  const { sessionId: later } = await startRun(third, "Hello again.")
  await page.getByRole("row", { name: later }).waitFor()
  expect(errors).toEqual([])
})

test("a new session pushes no other off the pages that are shown", async () => {
  const model = await startScriptedModel()
  const served = await serveConsole(scriptedAgent, { model })
  const sessions = new Set<string>()
  for (let at = 0; at < 52; at++) sessions.add((await startRun(served, "Hello.")).sessionId)
  const { page } = await openConsole(await openBrowser(), `${served.url}/console/#/sessions`)
  const shown = async () => new Set(await page.locator("tbody td:first-child .id").allInnerTexts())
  await page.getByRole("button", { name: "Show more" }).click()
  await expect.poll(shown).toEqual(sessions)

  const { sessionId } = await startRun(served, "Hello.")
  await page.getByRole("row", { name: sessionId }).waitFor()
  await expect.poll(shown).toEqual(new Set([...sessions, sessionId]))
})
