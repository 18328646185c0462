import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { axe, findings, overflow, windows } from "./axe.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

const onEnd = atEndOfFile()
let model: ScriptedModel
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  model = await startScriptedModel(onEnd)
  served = await serveConsole(scriptedAgent, { model, onEnd })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

describe.each(windows)("%s", (name, window) => {
  test("no view has a violation that axe finds", async () => {
    // The axe library must be evaluated in the page, which the page's content security policy forbids.
    const { page, send, status } = await openConsole(browser, served.url, { ...window, bypassCSP: true })
    await page.addScriptTag({ path: axe })
    const check = async (view: string) => {
      await expect.poll(() => findings(page), { message: view }).toEqual([])
      await expect.poll(() => page.evaluate(overflow), { message: `${view} scrolls sideways` }).toBe(0)
    }
    const visit = async (view: string, text: string) => {
      await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`)
      await page.locator("main").getByText(text).first().waitFor()
      await check(view)
    }

    await page.getByLabel("Message", { exact: true }).waitFor()
    await check("new conversation")
    await send("markdown")
    await status("ready")
    await check("markdown")
    // Landmarks need names of their own, and many cards and tables of a conversation have the same one.
    for (const at of [0, 1]) {
      await send("call|build")
      await page.getByRole("article", { name: "Tool build: Done" }).nth(at).waitFor()
      await status("ready")
    }
    await send("markdown")
    await page.getByRole("figure", { name: "Table" }).nth(1).waitFor()
    await status("ready")
    await check("two cards of one name")
    await send("refuse")
    await page.locator("article.assistant .notice").waitFor()
    await status("ready")
    await check("failed run")
    await send(`call|run_agent|${JSON.stringify({ task: "call|build" })}`)
    await page.getByRole("article", { name: "Tool run_agent: Done" }).waitFor()
    await status("ready")
    await page.reload()
    await page.addScriptTag({ path: axe })
    await page.getByRole("button", { name: /run_agent/ }).click()
    await page.getByRole("article", { name: "Sub-agent: Done" }).getByText("Result:").waitFor()
    await check("conversation of a sub-agent after a reload")
    await send("call|book")
    await status("waiting")
    await check("question")
    await page.getByRole("button", { name: "Decline" }).click()
    await status("ready")
    await send('call|erase|{"folder":"a"}')
    await page.getByRole("button", { name: "Edit", exact: true }).click()
    await page.getByLabel("depth").waitFor()
    await check("approval")
    await visit("approvals", "Allow")
    await page.getByRole("button", { name: "Allow", exact: true }).click()
    await visit("sessions", "sess_")
    const id = await page.locator("td a .id").first().innerText()
    await visit(`sessions/${id}`, "runStarted")
    await visit("runs", "run_")
    await visit("schedules", "briefing")
    await page.locator("main").getByRole("link", { name: "briefing" }).click()
    await page.getByRole("heading", { name: "History" }).waitFor()
    await check("schedule")
    await visit("schedules/new", "Message to the agent")
    await visit("memory", "Memory")
    await visit("memory?tenant=nobody&user=nobody", "No memories of this user")
    await visit("mcp", "calendar")
    await page.getByText("2 tools").click()
    await check("tools of a server")
    await visit("sandbox", "No agent runs code")
    await visit("outbox", "Nothing waits for delivery")
    await visit("status", "store")
    await visit("configuration", "Agent ops")
    await visit("nowhere", "There is no such view")
    if (name === "phone") {
      await page.getByRole("button", { name: "Menu" }).click()
      await page.getByRole("link", { name: "Approvals" }).waitFor()
      await check("menu")
      await page.getByRole("link", { name: "Approvals" }).click()
      await page.getByText("Nothing waits for you").waitFor()
    }
  })
})

test("all actions work with the keyboard: send, allow a call, deny one, change the view", async () => {
  const { page, status } = await openConsole(browser, served.url)
  const focused = () =>
    page.evaluate("document.activeElement.textContent || document.activeElement.ariaLabel")
  const tabTo = async (name: string, key = "Tab") => {
    for (let steps = 0; steps < 60; steps++) {
      if ((await focused()) === name) return
      await page.keyboard.press(key)
    }
    throw new Error(`The keyboard does not reach ${name}.`)
  }
  await page.getByLabel("Message", { exact: true }).waitFor()
  await page.keyboard.type('call|erase|{"folder":"a"}')
  await page.keyboard.press("Enter")
  await status("waiting")
  await tabTo("Allow", "Shift+Tab")
  await page.keyboard.press("Enter")
  await status("ready")

  await page.getByLabel("Message", { exact: true }).focus()
  await page.keyboard.type('call|erase|{"folder":"b"}')
  await page.keyboard.press("Enter")
  await status("waiting")
  await tabTo("Deny", "Shift+Tab")
  await page.keyboard.press("Space")
  await page.keyboard.type("Not now.")
  await page.keyboard.press("Enter")
  await page.getByRole("article", { name: "Tool erase: Denied" }).waitFor()

  await tabTo("Approvals", "Shift+Tab")
  await page.keyboard.press("Enter")
  await page.getByText("Nothing waits for you").waitFor()
  await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("main")
})

test("a screen reader is informed of events", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  const heard = page.getByRole("status")
  await send('call|erase|{"folder":"a"}')
  await heard.getByText("The tool erase needs your approval.").waitFor({ state: "attached" })
  await page.getByRole("button", { name: "Allow", exact: true }).click()
  await status("ready")
  await heard.getByText(/^ops: Result: .*a is empty/).waitFor({ state: "attached" })
})

test("nothing moves with reduced motion", async () => {
  const { page, send, status } = await openConsole(browser, served.url, { reducedMotion: "reduce" })
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await expect.poll(() => page.evaluate("document.getAnimations().length")).toBe(0)
  model.release()
  await status("ready")
})
