import type { Browser, Locator } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import {
  minimalAgent,
  openBrowser,
  openConsole,
  type ServedConsole,
  scriptedAgent,
  serveConsole,
} from "./console-stage.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"
import { startRun } from "./start-run.ts"

const onEnd = atEndOfFile()
let model: ScriptedModel
let served: ServedConsole
let demo: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  model = await startScriptedModel(onEnd)
  served = await serveConsole(scriptedAgent, { model, onEnd, env: { MEMORY: "own" } })
  demo = await serveConsole(minimalAgent, { onEnd })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

const desktop = { viewport: { width: 1280, height: 800 } }
const open = (url = served.url) => openConsole(browser, url, desktop)

test("a sent message is in view, also if the user had scrolled up", async () => {
  const { page, send, status } = await open()
  await send(Array.from({ length: 80 }, (_, line) => `line ${line}`).join("\n"))
  await status("ready")
  await page.mouse.move(700, 400)
  await page.mouse.wheel(0, -2_000)
  await page.getByRole("button", { name: "Newest message" }).waitFor()

  await send("the second one")
  const message = page.locator("article.user").getByText("the second one")
  await expect.poll(async () => (await message.boundingBox())?.y).toBeLessThan(desktop.viewport.height)
  await status("ready")
  await expect.poll(async () => (await message.boundingBox())?.y).toBeGreaterThan(0)
})

test("each item of a task list is one line with its box, in compact and in spaced lists", async () => {
  const { page, send, status } = await open()
  await send("Compact:\n\n- [ ] one\n- [x] two\n\nSpaced:\n\n- [ ] three\n\n- [x] four")
  await status("ready")
  const items = page.locator("article.assistant li")
  await expect.poll(() => items.allInnerTexts()).toEqual(["one", "two", "three", "four"])
  const boxes = page.locator("article.assistant li input[type=checkbox]")
  await expect
    .poll(async () => Promise.all((await boxes.all()).map((box) => box.isChecked())))
    .toEqual([false, true, false, true])
  const heights = async () =>
    Promise.all((await items.all()).map(async (item) => Number((await item.boundingBox())?.height)))
  await expect.poll(async () => Math.max(...(await heights()))).toBeLessThan(30)
})

test("an image in a data URI is shown, and one of another type or server is not loaded", async () => {
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
  const { page, send, status, errors } = await open()
  const images = [
    `data:image/png;base64,${pixel}`,
    "data:image/svg+xml;base64,PHN2Zy8+",
    "https://example.com/x.png",
  ]
  await send(images.map((address, at) => `![picture ${at}](${address})`).join("\n\n"))
  await status("ready")
  const shown = page.locator("article.assistant img")
  await expect.poll(() => shown.count()).toBe(1)
  await expect.poll(() => shown.getAttribute("alt")).toBe("picture 0")
  await expect
    .poll(() => page.evaluate("document.querySelector('article.assistant img').naturalWidth"))
    .toBe(1)
  expect(errors).toEqual([])
})

test("the first conversation has its title as soon as it is started", async () => {
  const { page, send, status } = await open()
  await send("hold")
  await status("running")
  const current = page.locator('.conversations [aria-current="page"]')
  await expect.poll(() => current.innerText()).toContain("hold")
  await expect.poll(() => page.getByText("Empty conversation").count()).toBe(0)
  // Before that, the model has not received the request that it holds.
  await page.getByText("wörd10").waitFor()
  model.release()
  await status("ready")
})

/** Script that records the states of the conversation in `seen`, each after the task that rendered it. */
const recordStates = `(() => {
  globalThis.seen = []
  const record = () => {
    const state = document.querySelector(".status")?.dataset.status
    if (state !== undefined && state !== seen.at(-1)) seen.push(state)
  }
  new MutationObserver(() => setTimeout(record)).observe(document, { subtree: true, childList: true, attributes: true })
})()`

test("a new conversation is shown as ready only after the response to its first message", async () => {
  const { page, send } = await open()
  await page.evaluate(recordStates)
  await send("Hello")
  await page.locator("article.assistant").getByText("You said: Hello").waitFor()
  await expect.poll(() => page.evaluate("seen.slice(seen.indexOf('running'))")).toEqual(["running", "ready"])
  expect(await page.evaluate("seen.indexOf('ready') > seen.indexOf('running')")).toBe(true)
})

test("the command of the offline demo is suggested only with the demo", async () => {
  const command = { name: /^\/think/ }
  const withDemo = await open(demo.url)
  await withDemo.page.getByRole("button", command).waitFor()
  const withModel = await open()
  await withModel.page.getByRole("button", { name: "What can you do?" }).waitFor()
  await expect.poll(() => withModel.page.getByRole("button", command).count()).toBe(0)
})

test("the view Memory says whether an agent has a memory, and a session leads to the memories of its agent", async () => {
  const without = await open(`${demo.url}/console/#/memory`)
  await without.page.getByText("No agent has a memory").waitFor()

  const { sessionId } = await startRun(
    served,
    `call|memory_store|${JSON.stringify({ name: "tea", content: "Drinks green tea." })}`,
  )
  const { page } = await open(`${served.url}/console/#/sessions/${sessionId}`)
  await page.locator(".badge.completed").first().waitFor()
  await page.locator(".facts").getByRole("link", { name: "Memory" }).click()
  await page.getByText("Drinks green tea.").waitFor()
})

test("a session is headed by its first message", async () => {
  const { sessionId } = await startRun(served, "How many sheep are there?")
  const { page } = await open(`${served.url}/console/#/sessions/${sessionId}`)
  await page.getByRole("heading", { name: "How many sheep are there?", level: 1 }).waitFor()
  await page.locator(".facts").getByText(sessionId).waitFor()
})

test("the sidebar has room for twelve conversations beside the views", async () => {
  const { page } = await open()
  const list = page.locator(".conversations")
  await list.getByRole("searchbox").waitFor()
  const item = page.locator(".conversations li").first()
  const heightOf = async (shown: Locator) => Number((await shown.boundingBox())?.height)
  const places = async () =>
    ((await heightOf(list)) - (await heightOf(list.getByRole("searchbox")))) / (await heightOf(item))
  await expect.poll(places).toBeGreaterThan(12)
})

test("in a window of 1280 pixels, the buttons of a delivery are in view", async () => {
  const { page } = await open()
  // Real deliveries are dead after a day of attempts.
  const row = {
    ...{ number: 4_012_231, state: "dead", kind: "webhook", sessionId: "sess_0mwuz0l8vb49546f2a876ca7d" },
    ...{ attempts: 12, preview: "x".repeat(300), bytes: 3_045, lastError: "Status 503 ".repeat(20) },
    ...{ createdAt: Date.now() - 1e9, dueAt: Date.now() + 1e6 },
  }
  await page.route(/console\/api\/outbox/, (route) => route.fulfill({ json: { items: [row], next: null } }))
  await page.goto(`${served.url}/console/#/outbox`)
  // Only the fragment differs, so the page was not loaded again.
  await page.reload()
  const button = page.getByRole("button", { name: "Drop row 4012231" })
  await button.waitFor()
  const rightEdge = async () => {
    const { x = Number.NaN, width = 0 } = (await button.boundingBox()) ?? {}
    return x + width
  }
  await expect.poll(rightEdge).toBeLessThan(desktop.viewport.width)
})
