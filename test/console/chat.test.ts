import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
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

test("a tool shows its live output, then its result and its duration", async () => {
  const { page, send, status } = await open()
  await send("call|build")
  const card = page.getByRole("article", { name: /^Tool build/ })
  await card.locator(".output").getByText("step 2").waitFor()
  await status("ready")
  await expect
    .poll(() => card.locator(".output").textContent())
    .toBe("step 1\nstep 2\nstep 3\nstep 4\nstep 5\n")
  await expect.poll(() => card.locator(".output .stderr").textContent()).toBe("step 5\n")
  await card.getByText('"built": true').waitFor()
  await card.getByText(/^Done · \d+ ms$/).waitFor()
})

test("an approval is allowed once, and for the session", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send('call|erase|{"folder":"a"}')
  await status("waiting")
  await page.getByRole("button", { name: "Allow for this session" }).click()
  await status("ready")
  await expect.poll(lastAnswer).toContain("a is empty at depth 1")
  await send('call|erase|{"folder":"b"}')
  await page.locator("article.assistant .markdown").getByText("b is empty at depth 1").waitFor()
  await status("ready")
})

test("an approval is denied with a reason for the model", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send('call|erase|{"folder":"a"}')
  await page.getByRole("button", { name: "Deny" }).click()
  await page.getByLabel("Reason, which the model receives").fill("Use another folder.")
  await page.getByRole("button", { name: "Deny the call" }).click()
  await status("ready")
  await page.getByRole("article", { name: "Tool erase: Denied" }).waitFor()
  await expect.poll(lastAnswer).toContain("Use another folder.")
})

test("arguments are edited in a form of the tool's schema, and invalid ones are refused", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send('call|erase|{"folder":"a"}')
  await page.getByRole("button", { name: "Edit", exact: true }).click()
  await page.getByLabel("folder").fill("b")
  await page.getByLabel("depth").fill("12")
  await page.getByRole("button", { name: "Allow with these arguments" }).click()
  await page.getByRole("alert").getByText(/depth/).waitFor()
  await page.getByRole("button", { name: "Edit as JSON" }).click()
  await page.getByLabel("Arguments as JSON").fill('{"folder":"c","depth":2}')
  await page.getByRole("button", { name: "Allow with these arguments" }).click()
  await status("ready")
  await expect.poll(lastAnswer).toContain("c is empty at depth 2")
})

test("a question is shown as a form, and answered", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send("call|book")
  await page.locator("form.wait").getByText("Who comes?").waitFor()
  await page.getByLabel("Name").fill("Ada")
  await page.getByLabel("Guests").fill("3")
  await page.getByLabel("Seat").selectOption("bar")
  await page.locator("form.wait").getByRole("button", { name: "Send" }).click()
  await status("ready")
  await expect.poll(lastAnswer).toMatch(/Ada.*3.*bar/)
})

test("a question is declined", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send("call|book")
  await page.getByRole("button", { name: "Decline" }).click()
  await status("ready")
  await expect.poll(lastAnswer).toContain("decline")
})

test("an operator types the result of a client tool", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send("call|pick_color")
  await page.getByLabel("Result: JSON or text").fill("teal")
  await page.getByRole("button", { name: "Send result" }).click()
  await status("ready")
  await expect.poll(lastAnswer).toContain("teal")
})

test("a run is stopped, and its message is sent again", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.getByRole("button", { name: "Stop" }).click()
  await page.getByText("You stopped this run.").waitFor()
  await page.getByRole("button", { name: "Try again" }).click()
  await page.locator("article.assistant").nth(1).getByText("wörd10").waitFor()
  model.release()
  await status("ready")
  await expect.poll(lastAnswer).toBe(heldText)
})

test("messages wait for the run, and are withdrawn", async () => {
  const { page, send, status, answers } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await send("first")
  await send("second")
  const waiting = page.getByRole("list", { name: "Messages that wait" }).getByRole("listitem")
  await page.getByRole("button", { name: "Take the message back" }).nth(1).click()
  await expect.poll(() => waiting.count()).toBe(1)
  model.release()
  await page.locator("article.assistant").getByText("You said: first").waitFor()
  await status("ready")
  await expect.poll(answers).toEqual([heldText, "You said: first"])
})

test("waiting messages have their text after a reload, can be taken back, and join in order", async () => {
  const { page, send, status } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await send("first")
  await send("second")
  await send("x".repeat(20_000))
  await page.getByRole("button", { name: "Take the message back" }).nth(2).waitFor()
  await page.getByLabel("When the agent is working").selectOption("steer")
  await send("Hurry!")
  const waiting = page.getByRole("list", { name: "Messages that wait" }).getByRole("listitem")
  await expect.poll(() => waiting.count()).toBe(4)
  await page.reload()
  await expect
    .poll(() => waiting.allInnerTexts())
    .toEqual(["Steers this run\nHurry!", "Queued\nfirst", "Queued\nsecond", "Queued\nA long message"])
  await waiting.filter({ hasText: "second" }).getByRole("button", { name: "Take the message back" }).click()
  await waiting.filter({ hasText: "long" }).getByRole("button", { name: "Take the message back" }).click()
  await expect.poll(() => waiting.count()).toBe(2)
  model.release()
  await page.locator("article.assistant").getByText("You said: first").waitFor()
  await status("ready")
  await expect.poll(() => page.locator("article .typed").allInnerTexts()).toEqual(["hold", "Hurry!", "first"])
})

test("a message steers the open run", async () => {
  const { page, send, status, answers } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.getByLabel("When the agent is working").selectOption("steer")
  await send("Hurry!")
  await page.getByText("Steers this run").waitFor()
  model.release()
  await page.locator("article.assistant").getByText("You said: Hurry!").waitFor()
  await status("ready")
  await expect.poll(answers).toEqual([heldText, "You said: Hurry!"])
  await expect
    .poll(() => page.locator("article.user").allInnerTexts())
    .toEqual([expect.stringContaining("hold"), expect.stringContaining("Hurry!")])
})

test("messages that steer the run are taken back before they join it, also after a reload", async () => {
  const { page, send, status, answers } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.getByLabel("When the agent is working").selectOption("steer")
  await send("Hurry!")
  await send("Stop at ten!")
  const waiting = page.getByRole("list", { name: "Messages that wait" }).getByRole("listitem")
  await waiting.getByRole("button", { name: "Take the message back: Hurry!" }).click()
  await expect.poll(() => waiting.allInnerTexts()).toEqual(["Steers this run\nStop at ten!"])
  await page.reload()
  await waiting.getByRole("button", { name: "Take the message back: Stop at ten!" }).click()
  await expect.poll(() => waiting.count()).toBe(0)
  model.release()
  await status("ready")
  await expect.poll(answers).toEqual([heldText])
  await page.reload()
  await status("ready")
  await expect.poll(() => page.locator("article .typed").allInnerTexts()).toEqual(["hold"])
})

test("a long message that steers the run stays until it is taken back after a reload", async () => {
  const { page, send, status, answers } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.getByLabel("When the agent is working").selectOption("steer")
  await send("x".repeat(20_000))
  const waiting = page.getByRole("list", { name: "Messages that wait" }).getByRole("listitem")
  const asked = page.waitForResponse((response) => response.url().includes("/chat/history"))
  await waiting.getByRole("button", { name: "Take the message back" }).click()
  // The history does not show which long message this is.
  await asked
  await send("Hurry!")
  await waiting.filter({ hasText: "Hurry!" }).waitFor()
  await expect.poll(() => waiting.count()).toBe(2)
  await page.reload()
  await waiting.getByRole("button", { name: "Take the message back: A long message" }).click()
  await expect.poll(() => waiting.count()).toBe(1)
  model.release()
  await page.locator("article.assistant").getByText("You said: Hurry!").waitFor()
  await status("ready")
  await expect.poll(answers).toEqual([heldText, "You said: Hurry!"])
})

test("a message interrupts the open run", async () => {
  const { page, send, status, lastAnswer } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.getByLabel("When the agent is working").selectOption("interrupt")
  await send("Something else")
  await page.locator("article.assistant").getByText("You said: Something else").waitFor()
  await status("ready")
  await expect.poll(lastAnswer).toBe("You said: Something else")
})

test("a reload during a response continues it, with each word once", async () => {
  const { page, send, status, answers, errors } = await open()
  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  await page.reload()
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  model.release()
  await page.locator("article.assistant").getByText("wörd20").waitFor()
  await status("ready")
  await expect.poll(answers).toEqual([heldText])
  expect(errors).toEqual([])
})

test("thinking is folded, and usage adds up", async () => {
  const { page, send, status } = await open()
  await send("think")
  await status("ready")
  await expect.poll(() => page.getByText("Let me see.").isVisible()).toBe(false)
  await page.getByText("Thought").click()
  await expect.poll(() => page.getByText("Let me see.").isVisible()).toBe(true)
  await expect.poll(() => page.getByTestId("usage").innerText()).toMatch(/10 tokens in\s+\d+ tokens out/)
  await expect
    .poll(() => page.locator("article.assistant .turn-usage").innerText())
    .toMatch(/^10 in · \d+ out · price unknown$/)
})

test("an image is attached and sent", async () => {
  const { page, send, status } = await open()
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  )
  await page
    .locator('input[type="file"]')
    .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: png })
  await page.getByAltText("Attachment 1").waitFor()
  await send("Look!")
  await status("ready")
  await page.locator("article.user img").waitFor()
})

test("conversations are searched, and a missing one is reported", async () => {
  const { page, send, status } = await open()
  await send("a needle in the hay")
  await status("ready")
  await page.getByLabel("Search conversations").fill("NEEDLE")
  await expect
    .poll(() => page.getByRole("navigation", { name: "Conversations" }).getByRole("listitem").count())
    .toBe(1)
  await page.goto(`${served.url}/console/#/chat/sess_none`)
  await page.getByText("The conversation does not exist").waitFor()
})
