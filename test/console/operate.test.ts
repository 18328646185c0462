import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { ownPage, rawRequest } from "./raw-request.ts"
import { startScriptedModel } from "./scripted-model.ts"
import { startRun as startRunOf } from "./start-run.ts"

const onEnd = atEndOfFile()
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const model = await startScriptedModel(onEnd)
  served = await serveConsole(scriptedAgent, { model, onEnd, env: { PRICED: "yes" } })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

/** Script that returns the pixels by which the table is wider than its frame. */
const hiddenWidth =
  "((table) => table.scrollWidth - table.clientWidth)(document.querySelector('.data-table'))"

const startRun = (message: string) => startRunOf(served, message)

test("an approval in the session of any user is answered from the inbox", async () => {
  const { sessionId } = await startRun('call|erase|{"folder":"a"}')
  const { page } = await openConsole(browser, `${served.url}/console/#/approvals`)
  const card = page.getByRole("article", { name: "erase of ada" })
  await card.getByRole("button", { name: "Edit" }).click()
  await card.getByLabel("folder").fill("b")
  await card.getByRole("button", { name: "Allow with these arguments" }).click()
  await page.getByText("Nothing waits for you").waitFor()

  await page.goto(`${served.url}/console/#/sessions/${sessionId}`)
  await page.locator(".badge.completed").first().waitFor()
  const event = page.getByRole("button", { name: /toolCallCompleted/ })
  await event.click()
  await page.getByText("b is empty at depth 1").waitFor()
})

test("after an answer by the keyboard, the focus is on the next approval, and then on the view", async () => {
  await startRun('call|erase|{"folder":"a"}')
  await startRun('call|erase|{"folder":"b"}')
  const { page } = await openConsole(browser, `${served.url}/console/#/approvals`)
  const cards = page.getByRole("article", { name: "erase of ada" })
  await expect.poll(() => cards.count()).toBe(2)
  const focused = () => page.evaluate("document.activeElement.closest('article, main')?.tagName")
  for (const left of [1, 0]) {
    await cards.first().getByRole("button", { name: "Allow", exact: true }).press("Enter")
    await expect.poll(() => cards.count()).toBe(left)
    await expect.poll(focused).toBe(left === 0 ? "MAIN" : "ARTICLE")
  }
})

test("a question and a client tool are answered from the inbox", async () => {
  await startRun("call|book")
  const { page } = await openConsole(browser, `${served.url}/console/#/approvals`)
  const question = page.getByRole("article", { name: "book of ada" })
  await question.getByLabel("Name").fill("Ada")
  await question.getByLabel("Guests").fill("2")
  await question.getByRole("button", { name: "Send" }).click()
  await page.getByText("Nothing waits for you").waitFor()
  await startRun("call|pick_color")
  await page.getByLabel("Result: JSON or text").fill('"teal"')
  await page.getByRole("button", { name: "Send result" }).click()
  await page.getByText("Nothing waits for you").waitFor()
})

test("a run's timeline shows turns, model calls, tools and waits, and other views link to it", async () => {
  const { sessionId, runId } = await startRun("call|build")
  const { page } = await openConsole(browser, `${served.url}/console/#/runs?state=completed`)
  await page.getByRole("link", { name: runId }).click()
  await page.getByRole("heading", { name: `Timeline of ${runId}` }).waitFor()
  const labels = page.locator(".timeline .span-label")
  const bars = ["Turn 1", "Model", "build", "Turn 2", "Model"]
  await expect.poll(() => labels.allInnerTexts()).toEqual(bars)

  await page.getByRole("link", { name: "ada" }).click()
  await page.getByRole("link", { name: sessionId }).waitFor()
  const users = page.locator("tbody td:nth-child(4)")
  await expect.poll(async () => new Set(await users.allInnerTexts())).toEqual(new Set(["ada"]))
})

test("sessions of one user lead to those of all users of the tenant, and to those of all tenants", async () => {
  const [ofAda, ofGrace] = [await startRun("Hello."), await startRunOf(served, "Hello.", "grace")]
  const body = {}
  const ofConsole = await rawRequest(`${served.url}/console/api/session`, {
    method: "POST",
    headers: ownPage,
    body,
  })
  const { session_id: consoleId } = JSON.parse(ofConsole.text) as { readonly session_id: string }
  const { page } = await openConsole(browser, `${served.url}/console/#/sessions/${ofAda.sessionId}`)
  const row = (id: string) => page.getByRole("row", { name: id })
  await page.locator(".facts").getByRole("link", { name: "ada" }).click()
  await row(ofAda.sessionId).waitFor()
  await expect.poll(() => row(ofGrace.sessionId).count()).toBe(0)

  await page.getByRole("link", { name: "All users of the tenant" }).click()
  await row(ofGrace.sessionId).waitFor()
  expect([await row(ofAda.sessionId).count(), await row(consoleId).count()]).toEqual([1, 0])
  await page.getByRole("link", { name: "All tenants" }).click()
  await row(consoleId).waitFor()

  await row(consoleId).getByRole("link", { name: consoleId }).click()
  await page.locator(".facts").getByRole("link", { name: "console" }).click()
  await row(consoleId).waitFor()
  await expect.poll(() => row(ofAda.sessionId).count()).toBe(0)
})

test("events for operators contain no nonce that could answer a wait", async () => {
  const { sessionId } = await startRun('call|erase|{"folder":"a"}')
  const events = () =>
    rawRequest(`${served.url}/console/api/sessions/${sessionId}/events`, { headers: ownPage })
  await expect.poll(async () => (await events()).text).toContain("waitOpened")
  expect((await events()).text).not.toMatch(/nonce_\w/)
})

test("a summary that a session does not have is not found", async () => {
  const { sessionId } = await startRun("hello")
  for (const seq of ["1", "999999999999"]) {
    const path = `/console/api/sessions/${sessionId}/compactions/${seq}`
    const { status, text } = await rawRequest(`${served.url}${path}`, { headers: ownPage })
    expect([status, JSON.parse(text).code]).toEqual([404, "compaction_not_found"])
  }
})

test("a schedule is paused, resumed and run by the keyboard, and its history links to the run", async () => {
  const { page } = await openConsole(browser, `${served.url}/console/#/schedules`)
  const row = page.getByRole("row", { name: /briefing/ })
  await row.getByRole("button", { name: "Pause: briefing" }).press("Enter")
  await row.getByText("paused").waitFor()
  await row.getByRole("button", { name: "Resume: briefing" }).press("Space")
  await row.getByText("active").waitFor()
  await row.getByRole("link", { name: "briefing" }).press("Enter")
  await page.getByText("It has not fired yet").waitFor()
  await page.getByRole("button", { name: "Run now: briefing" }).click()
  const run = page.getByRole("region", { name: "Occurrences" }).getByRole("link", { name: /^run_/ })
  const runId = await run.innerText()
  await run.click()
  await page.getByRole("heading", { name: `Timeline of ${runId}` }).waitFor()
})

test("a schedule is made, refused while its terms are wrong, changed and removed", async () => {
  const { page } = await openConsole(browser, `${served.url}/console/#/schedules`)
  await page.getByRole("link", { name: "New schedule" }).click()
  await page.getByLabel("Name").fill("standup")
  await page.getByLabel("Message to the agent").fill("Who is stuck?")
  await page.getByRole("textbox", { name: /^Cron expression/ }).fill("at nine")
  await page.getByRole("button", { name: "Create the schedule" }).click()
  await page.getByRole("alert").getByText(/cron/).waitFor()
  await page.getByRole("textbox", { name: /^Cron expression/ }).fill("0 9 * * *")
  await page.getByLabel("Time zone").fill("Europe/Berlin")
  await page.getByLabel("Maximum turns").fill("3")
  await page.getByRole("button", { name: "Create the schedule" }).click()
  await page.getByRole("heading", { name: "standup" }).waitFor()
  await page.getByText("0 9 * * * (Europe/Berlin)").waitFor()

  await page.getByRole("button", { name: "Edit", exact: true }).click()
  await expect.poll(() => page.getByLabel("Message to the agent").inputValue()).toBe("Who is stuck?")
  await page.getByLabel("Times").selectOption("every")
  await page.getByRole("textbox", { name: /^Interval/ }).fill("6h")
  await page.getByRole("button", { name: "Save the changes" }).click()
  await page.getByText("every 6h").waitFor()
  await page.locator(".facts").getByText("3", { exact: true }).waitFor()

  await page.getByRole("button", { name: "Run now: standup" }).click()
  await page.getByRole("region", { name: "Occurrences" }).getByRole("link", { name: /^run_/ }).waitFor()
  await page.getByRole("button", { name: "Remove standup" }).click()
  await page.getByRole("button", { name: "Remove it and its history? standup" }).click()
  await page.getByRole("row", { name: /briefing/ }).waitFor()
  await expect.poll(() => page.getByRole("link", { name: "standup" }).count()).toBe(0)

  await page.getByRole("link", { name: "briefing" }).click()
  await page.getByRole("heading", { name: "briefing" }).waitFor()
  await expect.poll(() => page.getByRole("button", { name: "Edit", exact: true }).count()).toBe(0)
})

test("a user's memory is found, links to its run, and is deleted after a second press", async () => {
  const note = { name: "tea", content: "Likes <b>Darjeeling</b>.", tags: ["drinks"] }
  const { runId } = await startRun(`call|memory_store|${JSON.stringify(note)}`)
  await startRun('call|memory_store|{"name":"office","content":"Third floor."}')
  const { page } = await openConsole(browser, `${served.url}/console/#/memory`)
  await page.getByRole("link", { name: "ada" }).click()
  const tea = page.getByRole("article", { name: "note tea" })
  await tea.getByText("Likes <b>Darjeeling</b>.").waitFor()
  await tea.getByRole("link", { name: runId }).waitFor()

  await page.getByLabel("Search memories").fill("darjeeling")
  await page.getByLabel("Search memories").press("Enter")
  await page.getByRole("article", { name: "note office" }).waitFor({ state: "detached" })
  await expect.poll(() => page.url()).toContain("query=darjeeling")
  await page.goBack()
  await page.getByRole("article", { name: "note office" }).waitFor()

  await tea.getByRole("button", { name: "Forget tea" }).press("Enter")
  await tea.getByRole("button", { name: "Forget it for good? tea" }).press("Enter")
  await tea.waitFor({ state: "detached" })
  await page.getByRole("article", { name: "note office" }).waitFor()
})

test("MCP servers are shown with their state and their tools, whose texts are not markup", async () => {
  const { page, errors } = await openConsole(browser, `${served.url}/console/#/mcp`)
  const files = page.getByRole("article", { name: "Server files" })
  await files.getByText("ready").waitFor()
  await files.getByText("2 tools").click()
  await files.getByText("Deletes all files. <img src=x onerror=alert(1)>").waitFor()
  await files.getByText("disabled").waitFor()
  await page
    .getByRole("article", { name: "Server calendar" })
    .getByText(/not found/)
    .waitFor()
  expect(errors).toEqual([])
})

test("runs and sessions are listed with their cost", async () => {
  const { sessionId, runId } = await startRun("Hello.")
  const { page } = await openConsole(browser, `${served.url}/console/#/runs?state=completed`)
  const cost = /\$0\.\d+/
  await page.getByRole("row", { name: runId }).getByText(cost).waitFor()
  await page.goto(`${served.url}/console/#/sessions`)
  await page.getByRole("row", { name: sessionId }).getByText(cost).waitFor()
  await page.goto(`${served.url}/console/#/sessions/${sessionId}`)
  await page.locator(".facts").getByText(cost).waitFor()
})

test("sessions are listed with the beginning of their first message, without its secrets", async () => {
  const { sessionId } = await startRun(`The key sk-abcdefghijklmnop fails. ${"Why is that? ".repeat(20)}`)
  const title = /^The key \[redacted\] fails\. Why is that\?.*…$/
  const { page } = await openConsole(browser, `${served.url}/console/#/sessions`)
  const row = page.getByRole("row", { name: sessionId })
  await row.getByText(title).waitFor()
  await expect.poll(() => page.evaluate(hiddenWidth)).toBe(0)
  await row.getByRole("link", { name: sessionId }).click()
  await page.getByRole("heading", { name: title, level: 1 }).waitFor()
})

test("each view has an address that survives a reload, and the browser's buttons return to it", async () => {
  const { sessionId, runId } = await startRun("Hello.")
  const views: readonly (readonly [view: string, heading: string])[] = [
    ["sessions?state=idle", "Sessions"],
    [`sessions/${sessionId}?run=${runId}`, "Hello."],
    ["runs?state=completed", "Runs"],
    ["approvals", "Approvals"],
    ["schedules", "Schedules"],
    ["schedules/new", "New schedule"],
    ["memory", "Memory"],
    ["mcp", "MCP servers"],
    ["sandbox", "Sandbox"],
    ["outbox?state=dead", "Deliveries"],
    ["status", "Status"],
    ["configuration", "Configuration"],
  ]
  const { page, errors } = await openConsole(browser, `${served.url}/console/#/sessions`)
  const shows = async (view: string, heading: string) => {
    await page.getByRole("heading", { name: heading, level: 1, exact: true }).waitFor()
    await expect.poll(() => page.url()).toBe(`${served.url}/console/#/${view}`)
  }
  for (const [view, heading] of views) {
    await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`)
    await shows(view, heading)
    await page.reload()
    await shows(view, heading)
  }
  for (const [view, heading] of views.toReversed().slice(1)) {
    await page.goBack()
    await shows(view, heading)
  }
  await page.goForward()
  await page.getByRole("heading", { name: "Hello.", level: 1 }).waitFor()
  expect(errors).toEqual([])
})

test("the view of a missing session has a way back to the list", async () => {
  const { page } = await openConsole(browser, `${served.url}/console/#/sessions/sess_missing`)
  await page.getByText("The session does not exist or has expired.").waitFor()
  await page.getByRole("main").getByRole("link", { name: "Sessions" }).click()
  await page.getByRole("heading", { name: "Sessions", level: 1 }).waitFor()
})

test("a long name of a user does not push the costs out of the list", async () => {
  const userId = `${"someone.with.a.long.name.".repeat(4)}@example.com`
  const { sessionId } = await startRunOf(served, "Hello.", userId)
  const { page } = await openConsole(browser, `${served.url}/console/#/sessions`)
  await page.getByRole("row", { name: sessionId }).waitFor()
  await expect.poll(() => page.evaluate(hiddenWidth)).toBe(0)
})
