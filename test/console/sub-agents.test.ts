import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { axe, findings, overflow, windows } from "./axe.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { heldText, type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

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

const open = () => openConsole(browser, served.url)
const delegate = (task: string, background = false) =>
  `call|run_agent|${JSON.stringify({ task, ...(background && { background }) })}`

test("a sub-agent's words are nested in the card of its call, once each after a reload", async () => {
  const { page, send, status, errors } = await open()
  await send(delegate("hold"))
  const nested = page.getByRole("article", { name: /^Sub-agent: / })
  await nested.getByText("wörd10").waitFor()
  await page.reload()
  await nested.getByText("wörd10").waitFor()
  model.release()
  await status("ready")
  await page.getByRole("article", { name: "Sub-agent: Done" }).waitFor()
  await expect.poll(() => nested.locator(".markdown").allInnerTexts()).toEqual([heldText])
  expect(errors).toEqual([])
})

test("a call of a sub-agent is allowed in its card", async () => {
  const { page, send, status } = await open()
  await send(delegate('call|erase|{"folder":"deep"}'))
  await status("waiting")
  const nested = page.getByRole("article", { name: /^Sub-agent: / })
  await nested
    .getByRole("article", { name: /^Tool erase/ })
    .getByRole("button", { name: "Allow", exact: true })
    .click()
  await status("ready")
  await nested
    .getByText(/deep is empty at depth 1/)
    .last()
    .waitFor()
  await expect.poll(() => page.getByRole("button", { name: "Allow", exact: true }).count()).toBe(0)
})

test("a background task is listed, shown and canceled", async () => {
  const { page, send, status } = await open()
  await send(delegate("hold", true))
  const task = page.getByRole("list", { name: "Background tasks" }).getByRole("listitem")
  await task.getByText("hold").first().waitFor()
  await status("ready")
  await task.getByText("Turn 1").waitFor()
  await task.getByRole("button", { name: "Show the task hold" }).click()
  await task.getByText("wörd10").waitFor()

  // The task continues while the user sends messages, and after a reload.
  await send("And now?")
  await page.locator("article.assistant").getByText("You said: And now?").waitFor()
  await page.reload()
  await task.getByRole("button", { name: "Show the task hold" }).click()
  await task.getByText("wörd10").waitFor()
  await task.getByRole("button", { name: "Cancel the task hold" }).click()
  await task.getByText("Canceled").waitFor()
  await expect.poll(() => task.getByRole("button", { name: /Cancel/ }).count()).toBe(0)
  model.release()
})

test("a message to a background task is read before its next turn", async () => {
  const { page, send, status } = await open()
  await send(delegate("hold", true))
  await status("ready")
  const task = page.getByRole("list", { name: "Background tasks" }).getByRole("listitem")
  await task.getByRole("button", { name: "Show the task hold" }).click()
  await task.getByText("wörd10").waitFor()
  const field = task.getByLabel("Message to the task hold")
  await field.fill("Hurry!")
  await field.press("Enter")
  await task.getByText("Sent. The task reads it before its next turn.").waitFor()
  await expect.poll(() => field.inputValue()).toBe("")
  model.release()
  await task.getByText("You said: Hurry!").waitFor()
})

test("a background task asks when no run is open, and its result is shown", async () => {
  const { page, send, status } = await open()
  await send(delegate('call|erase|{"folder":"later"}', true))
  await page.getByText(/The background task .* asks/).waitFor()
  await status("ready")
  await page.getByRole("button", { name: "Allow", exact: true }).click()
  const tasks = page.locator("details.tasks")
  await tasks.getByText("1 ended").waitFor()
  await tasks.getByRole("button", { name: /^Show the task/ }).click()
  await tasks
    .getByText(/later is empty at depth 1/)
    .last()
    .waitFor()
})

test.each(windows)(
  "%s: sub-agents and background tasks have no violation that axe finds",
  async (_, window) => {
    const { page, send, status } = await openConsole(browser, served.url, { ...window, bypassCSP: true })
    await page.addScriptTag({ path: axe })
    const check = async (view: string) => {
      await expect.poll(() => findings(page), { message: view }).toEqual([])
      await expect.poll(() => page.evaluate(overflow), { message: `${view} scrolls sideways` }).toBe(0)
      const sendButton = page.getByRole("button", { name: "Send", exact: true })
      const rightEdge = async () => {
        const { x = Number.NaN, width = 0 } = (await sendButton.boundingBox()) ?? {}
        return x + width
      }
      await expect.poll(rightEdge, { message: view }).toBeLessThan(page.viewportSize()?.width ?? 0)
    }
    const erase = 'call|erase|{"folder":"deep"}'
    await send(`call|run_agent|${JSON.stringify({ task: erase })}`)
    await status("waiting")
    await check("nested approval")
    await page.getByRole("button", { name: "Allow", exact: true }).click()
    await status("ready")
    await page.evaluate("location.hash = '#/'")
    await page.locator("article.user").waitFor({ state: "hidden" })
    await send(`call|run_agent|${JSON.stringify({ task: erase, background: true })}`)
    await page.getByText(/The background task .* asks/).waitFor()
    await check("background task asks")
    await page.getByRole("button", { name: /^Show the task/ }).click()
    await page.getByRole("article", { name: /^Conversation of the task/ }).waitFor()
    await check("background task")
    await page.getByRole("button", { name: /^Cancel the task/ }).click()
    await page.getByText("Canceled").waitFor()
  },
)
