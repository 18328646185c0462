import { fileURLToPath } from "node:url"
import type { Browser, Page } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import type { History, HistoryMessage } from "../../src/core/wire/messages.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
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
const done = (page: Page) => page.locator("article.assistant .markdown").getByText("All done.")
/** Text of the part at the top of the list, and the place at which it is. */
const topPart = `(() => {
  const frame = document.querySelector(".chat-scroll")
  const { top } = frame.getBoundingClientRect()
  const parts = [...document.querySelectorAll(".message > *")]
  const part = parts.find((part) => part.getBoundingClientRect().top > top + 20)
  return [part.textContent, Math.round(part.getBoundingClientRect().top - top)]
})()`

test("a long run renders only its end, also while it grows and after a reload", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("100")
  await done(page).waitFor()
  await status("ready")
  expect(await elements(page)).toBeLessThan(maxElements)

  const requested = page.waitForRequest(/chat\/history/)
  await page.reload()
  expect((await requested).url()).toContain("turns=30")
  await done(page).waitFor()
  expect(await elements(page)).toBeLessThan(maxElements)
})

test("scrolling up shows the earlier turns to the first message, and keeps what is in view in its place", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("70")
  await done(page).waitFor()
  await status("ready")
  await page.reload()
  await done(page).waitFor()

  const first = page.locator("article.user").getByText("70")
  expect(await first.count()).toBe(0)
  await page.mouse.move(640, 300)
  await page.mouse.wheel(0, -200)
  await page.getByRole("button", { name: "Newest message" }).waitFor()
  await expect
    .poll(
      async () => {
        const before = await page.evaluate(topPart)
        // A press of the button moves the window as scrolling does, but leaves the scroll position alone.
        const button = page.getByRole("button", { name: "Show earlier messages" })
        if ((await button.count()) > 0) {
          await button.dispatchEvent("click")
          await page.waitForTimeout(100)
          expect(await page.evaluate(topPart)).toEqual(before)
        }
        await page.mouse.wheel(0, -3_000)
        expect(await elements(page)).toBeLessThan(maxElements)
        return first.count()
      },
      { interval: 200 },
    )
    .toBe(1)
  const turns = page.getByText(/^This is turn \d+\.$/)
  expect(await turns.first().innerText()).toBe("This is turn 1.")

  await page.getByRole("button", { name: "Newest message" }).click()
  await done(page).waitFor()
  expect(await turns.last().innerText()).toBe("This is turn 70.")
})

test("3 000 turns of 16 calls are usable at once", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("1")
  await done(page).waitFor()
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
  const startedAt = performance.now()
  await page.getByText("This is turn 3000.").waitFor()
  await page.getByLabel("Message", { exact: true }).pressSequentially("Hello")
  const ms = performance.now() - startedAt
  // Measured: 0.6 seconds. Rendering all of them took 40. The bound leaves room for slow machines.
  expect(ms).toBeLessThan(3_000)
  expect(await elements(page)).toBeLessThan(maxElements)
})
