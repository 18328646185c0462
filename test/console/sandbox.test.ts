import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { sandboxDirectory } from "../sandbox/support/open.ts"
import { axe, findings, overflow, windows } from "./axe.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"
import { startRun } from "./start-run.ts"

const onEnd = atEndOfFile()
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const model = await startScriptedModel(onEnd)
  // The users of the code must be able to pass through the folder.
  const folder = await sandboxDirectory()
  onEnd(() => removeTree(folder))
  served = await serveConsole(scriptedAgent, { model, onEnd, folder, env: { CODE: "yes" } })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

const program = {
  language: "shell",
  code: "dd if=/dev/zero of=a.bin bs=1M count=2; sleep 600",
  background: true,
}

test("the sandbox shows its backend, its limits, and the sessions whose code runs, with their disk usage", async () => {
  const { page, errors } = await openConsole(browser, `${served.url}/console/#/sandbox`)
  await page.getByText("No session has run code since the gateway started.").waitFor()
  await page.getByText("The code runs in no sandbox").waitFor()
  const limits = page.getByRole("region", { name: "Table of limits" })
  await limits.getByRole("row", { name: /Memory of an execution 512 MiB not all/ }).waitFor()
  await limits.getByRole("row", { name: /Disk of a session 16 MiB yes/ }).waitFor()
  const backend = page
    .getByRole("region", { name: "Table of backends" })
    .getByRole("row", { name: /subprocess/ })
  await backend.getByText("in use").waitFor()

  const { sessionId } = await startRun(served, `call|code_execute|${JSON.stringify(program)}`)
  await page.getByRole("link", { name: /^Approvals/ }).click()
  await page
    .getByRole("article", { name: "code_execute of ada" })
    .getByRole("button", { name: "Allow", exact: true })
    .click()
  await page.getByRole("link", { name: "Sandbox" }).click()
  const row = page.getByRole("region", { name: "Sandboxes" }).getByRole("row", { name: sessionId })
  await row.getByText("running").waitFor()
  await row.getByText(/^2(\.\d)? MiB of 16 MiB$/).waitFor()
  await page.locator(".facts").getByText("1 of 4").waitFor()
  await page.reload()
  await row.getByRole("link", { name: sessionId }).click()
  await page.locator(".facts").getByText(sessionId).waitFor()
  await page.goBack()
  await row.getByRole("link", { name: "ada" }).click()
  await page.getByRole("link", { name: "All users" }).waitFor()
  expect(errors).toEqual([])
})

test("the check of code execution on the status page links to the sandbox", async () => {
  const { page } = await openConsole(browser, `${served.url}/console/#/status`)
  await page.getByRole("link", { name: "code_execution" }).click()
  await page.getByRole("heading", { name: "Sandbox", level: 1 }).waitFor()
})

describe.each(windows)("%s", (_, window) => {
  test("the view has no violation that axe finds", async () => {
    const { page } = await openConsole(browser, `${served.url}/console/#/sandbox`, {
      ...window,
      bypassCSP: true,
    })
    await page.addScriptTag({ path: axe })
    await page.getByRole("region", { name: "Sandboxes" }).waitFor()
    await expect.poll(() => findings(page)).toEqual([])
    await expect.poll(() => page.evaluate(overflow)).toBe(0)
  })
})
