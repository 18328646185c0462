import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { axe, findings, overflow, windows } from "./axe.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"
import { startRun } from "./start-run.ts"

const onEnd = atEndOfFile()
const secret = "sk-abcdefghijklmnop"
const keys = { all: "the-operator-key-of-all", read: "the-operator-key-of-read" }
let model: ScriptedModel
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  model = await startScriptedModel(onEnd)
  const operators = [
    { key: keys.all, name: "all", scopes: ["read", "content"] },
    { key: keys.read, name: "read", scopes: ["read"] },
  ]
  served = await serveConsole(scriptedAgent, {
    command: "start",
    args: ["--console"],
    env: { OPERATORS: JSON.stringify(operators), KEEP_REQUESTS: "all" },
    model,
    onEnd,
  })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

/** Opens the page of a session as an operator, and its requests. */
async function openRequests(key: string, sessionId: string, window: (typeof windows)[number][1] = {}) {
  // The axe library must be evaluated in the page, which the page's content security policy forbids.
  const { page, errors } = await openConsole(browser, `${served.url}/console/#/sessions/${sessionId}`, {
    ...window,
    bypassCSP: true,
  })
  await page.getByLabel("Operator key").fill(key)
  await page.getByRole("button", { name: "Sign in" }).click()
  const requests = page.getByRole("region", { name: "Requests to models" })
  await requests.waitFor()
  return { page, errors, requests }
}

test.each(windows)(
  "the session's page shows requests as they were sent, with masks (%s)",
  async (_, window) => {
    const before = model.requests.length
    const { sessionId } = await startRun(served, `call|build|{"key":"${secret}"}`)
    const { page, errors, requests } = await openRequests(keys.all, sessionId, window)
    const buttons = requests.getByRole("button", { name: /claude-scripted/ })
    await expect.poll(() => buttons.count()).toBe(2)
    const sent = model.requests.slice(before).map(({ body }) => JSON.stringify(body))
    expect(sent.map((body) => body.includes(secret))).toEqual([true, true])
    // The newest request is the first one.
    for (const [index, body] of sent.toReversed().entries()) {
      const item = requests.getByRole("listitem").nth(index)
      await buttons.nth(index).press("Enter")
      const shown = JSON.parse(await item.locator("pre").first().innerText())
      expect(shown.body).toEqual(JSON.parse(body.replaceAll(secret, "[redacted]")))
      expect(shown.url).toBe(`${model.url}/v1/messages`)
      const response = JSON.parse(await item.locator("pre").nth(1).innerText())
      expect(response).toMatchObject({ status: 200 })
      expect(response.body).toContain("message_start")
    }
    expect(await requests.innerText()).not.toContain("sk-")
    await page.addScriptTag({ path: axe })
    await expect.poll(() => findings(page)).toEqual([])
    await expect.poll(() => page.evaluate(overflow)).toBe(0)
    await buttons.first().press("Enter")
    await expect.poll(() => requests.locator("pre").count()).toBe(2)
    expect(errors).toEqual([])
  },
)

test("without the scope content, the page lists the attempts and says why it shows no request", async () => {
  const { sessionId } = await startRun(served, "Look at the harbor.")
  const { page, errors, requests } = await openRequests(keys.read, sessionId)
  const button = requests.getByRole("button", { name: /claude-scripted/ })
  await button.click()
  await requests.getByText("needs the scope content, which your operator key does not have").waitFor()
  expect(await requests.locator("pre").count()).toBe(0)
  expect(await page.getByRole("main").innerText()).not.toContain("harbor")
  await page.addScriptTag({ path: axe })
  await expect.poll(() => findings(page)).toEqual([])
  expect(errors).toEqual([])
})
