import { fileURLToPath } from "node:url"
import type { Browser, Page } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import type { History, HistoryMessage } from "../../src/core/wire/messages.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { patienceMs } from "../patience.ts"
import { openBrowser, openConsole, type ServedConsole, serveConsole } from "./console-stage.ts"

const onEnd = atEndOfFile()
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const agent = fileURLToPath(new URL("fixtures/long-agent.mjs", import.meta.url))
  served = await serveConsole(agent, { onEnd })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

/** Maximum elements of a page with a long conversation. All 16 calls of 100 turns have more than 16 000. */
const maxElements = 6_000
const elements = async (page: Page) => Number(await page.evaluate("document.querySelectorAll('*').length"))
const endMs = 3 * patienceMs
/** Resolves when the run has ended, which may take minutes on a slow machine. */
const waitForEnd = (page: Page) =>
  page.locator("article.assistant .markdown").getByText("All done.").waitFor({ timeout: endMs })
/** Text of the first part in view, its place in pixels below the top of the list, and how far the list is scrolled. */
const readTop = async (page: Page) =>
  (await page.evaluate(`(() => {
    const frame = document.querySelector(".chat-scroll")
    const { top } = frame.getBoundingClientRect()
    const parts = [...document.querySelectorAll(".message > *")]
    const part = parts.find((part) => part.getBoundingClientRect().top > top + 20)
    return { text: part.textContent, place: part.getBoundingClientRect().top - top, scrolled: frame.scrollTop }
  })()`)) as { text: string; place: number; scrolled: number }
/** Resolves when the page has rendered what was scrolled to, and loads nothing. */
const isStill = async (page: Page) => {
  const twoFrames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
  await page.evaluate(twoFrames)
  await page.getByText("Loading…").waitFor({ state: "detached" })
  await page.evaluate(twoFrames)
}

test("a long run renders only its end, also while it grows and after a reload", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("100")
  await waitForEnd(page)
  await status("ready")
  expect(await elements(page)).toBeLessThan(maxElements)

  const requested = page.waitForRequest(/chat\/history/)
  await page.reload()
  expect((await requested).url()).toContain("turns=30")
  await waitForEnd(page)
  expect(await elements(page)).toBeLessThan(maxElements)
})

test("scrolling up shows the earlier turns to the first message, and keeps what is in view in its place", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("70")
  await waitForEnd(page)
  await status("ready")
  await page.reload()
  await waitForEnd(page)

  const first = page.locator("article.user").getByText("70")
  await expect.poll(() => first.count()).toBe(0)
  await page.mouse.move(640, 300)
  await page.mouse.wheel(0, -200)
  await page.getByRole("button", { name: "Newest message" }).waitFor()
  const button = page.getByRole("button", { name: "Show earlier messages" })
  let moves = 0
  while ((await first.count()) === 0) {
    await page.evaluate("document.querySelector('.chat-scroll').scrollTop -= 1_500")
    await isStill(page)
    const before = await readTop(page)
    // Users press the button where they see it, at the top. A press without a pointer leaves the list where it is.
    if (before.scrolled < 3_000 && (await button.count()) > 0) {
      await button.dispatchEvent("click")
      await isStill(page)
      const after = await readTop(page)
      expect(after.text).toBe(before.text)
      // The list can be scrolled by whole pixels only, and its parts have fractions of them.
      expect(Math.abs(after.place - before.place)).toBeLessThan(1)
      if (after.scrolled !== before.scrolled) moves += 1
    }
    expect(await elements(page)).toBeLessThan(maxElements)
  }
  expect(moves).toBeGreaterThan(3)
  const turns = page.getByText(/^This is turn \d+\.$/)
  await expect.poll(() => turns.first().innerText()).toBe("This is turn 1.")

  await page.getByRole("button", { name: "Newest message" }).click()
  await waitForEnd(page)
  await expect.poll(() => turns.last().innerText()).toBe("This is turn 70.")
})

test("3 000 turns of 16 calls that arrive at once are rendered in part, and a message can be written", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("1")
  await waitForEnd(page)
  await status("ready")
  const turn = (number: number): HistoryMessage[] => {
    const calls = Array.from({ length: 16 }, (_, at) => `call_${number}_${at}`)
    return [
      {
        role: "assistant",
        content: [
          { type: "text", text: `This is turn ${number}.` },
          ...calls.map((id) => {
            return { type: "tool_call", tool_call_id: id, tool_name: "look", tool_input: {} } as const
          }),
        ],
      },
      {
        role: "tool",
        content: calls.map((id) => ({ type: "tool_result", tool_call_id: id, result: id, error: null })),
      },
    ]
  }
  // As a gateway would send it that does not divide the history.
  await page.route(/chat\/history/, async (route) => {
    const stored = (await (await route.fetch()).json()) as History
    const messages = [
      ...stored.messages.slice(0, 1),
      ...Array.from({ length: 3_000 }, (_, at) => turn(at + 1)).flat(),
    ]
    await route.fulfill({ json: { ...stored, messages } })
  })
  const answered = page.waitForResponse(/chat\/history/)
  await page.reload()
  await (await answered).finished()
  await page.getByText("This is turn 3000.").waitFor()
  const field = page.getByLabel("Message", { exact: true })
  await field.pressSequentially("Hello")
  await expect.poll(() => field.inputValue()).toBe("Hello")
  expect(await elements(page)).toBeLessThan(maxElements)
})
