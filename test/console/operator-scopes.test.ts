import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { type OperatorScope, operatorScopes } from "../../src/operations/scopes.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { rawRequest } from "./raw-request.ts"

const onEnd = atEndOfFile()
const keyOf = (name: string) => `the-operator-key-of-${name}`
let served: ServedConsole
let browser: Browser

beforeAll(async () => {
  if (!(await has("chromium"))) return
  const operators = [
    ...operatorScopes.map((scope) => ({ key: keyOf(scope), name: scope, scopes: [scope] })),
    { key: keyOf("acme"), name: "acme", scopes: operatorScopes, tenant: "app_acme" },
  ]
  served = await serveConsole(scriptedAgent, {
    command: "start",
    args: ["--console"],
    env: { OPERATORS: JSON.stringify(operators) },
    model: { url: "http://127.0.0.1:1" },
    onEnd,
  })
  browser = await openBrowser(onEnd)
})
beforeEach(() => requires("chromium"))

/** Opens the console as the operator of this name. */
async function signIn(name: string) {
  const { page, errors } = await openConsole(browser, `${served.url}/console/`)
  await page.getByLabel("Operator key").fill(keyOf(name))
  await page.getByRole("button", { name: "Sign in" }).click()
  const main = page.locator("main#main")
  await main.waitFor()
  return {
    page,
    main,
    errors,
    visit: (view: string) => page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`),
  }
}

test.each([
  ["read", "approvals", "approve"],
  ["read", "configuration", "operate"],
  ["approve", "sessions", "read"],
  ["approve", "runs", "read"],
  ["approve", "schedules", "read"],
  ["approve", "outbox", "read"],
  ["approve", "memory", "read"],
  ["approve", "mcp", "read"],
  ["approve", "sandbox", "read"],
  ["metrics", "status", "read"],
] as const satisfies [OperatorScope, string, OperatorScope][])(
  "with the scope %s alone, the view %s names the scope %s",
  async (name, view, missing) => {
    const { main, visit, errors } = await signIn(name)
    await visit(view)
    await main
      .getByText(`needs the scope ${missing}, which your operator key does not have`)
      .first()
      .waitFor()
    expect(errors).toEqual([])
  },
)

test("with the scope read alone, lists are complete, and what people said is left out", async () => {
  const init = { api_key: "a-key-that-is-no-one-elses" }
  const { text } = await rawRequest(`${served.url}/api/chat/init`, { method: "POST", body: init })
  const { session_id: id } = JSON.parse(text) as { readonly session_id: string }
  const { main, visit } = await signIn("read")
  for (const [view, shown] of [
    ["sessions", id],
    ["outbox", "Nothing"],
    ["schedules", "briefing"],
    ["mcp", "calendar"],
    ["status", "store"],
  ] as const) {
    await visit(view)
    await main.getByText(shown).first().waitFor()
    await expect.poll(() => main.getByText("could not be loaded").count(), { message: view }).toBe(0)
  }
  await visit(`sessions/${id}`)
  await main.getByText("needs the scope content").first().waitFor()
  await visit("schedules")
  await main.getByRole("link", { name: "briefing" }).click()
  await main.getByText("does not have the scope content, which shows the message").waitFor()
  await main.getByRole("button", { name: "Pause" }).click()
  await main.getByText("needs the scope operate").first().waitFor()
})

test("without the scope operate, a conversation cannot be started", async () => {
  const { main } = await signIn("read")
  await main.getByText("This needs the scope operate, which your operator key does not have.").waitFor()
  await expect.poll(() => main.getByRole("button", { name: "What can you do?" }).isDisabled()).toBe(true)
})

test("an operator of one tenant sees why a view of all tenants is closed", async () => {
  const { main, visit } = await signIn("acme")
  await visit("configuration")
  await main.getByText("Your operator key is for one tenant.").first().waitFor()
})

test("the page does not repeat what its key does not open", async () => {
  const { page, main, visit } = await signIn("read")
  let refused = 0
  page.on("request", (request) => {
    if (request.url().includes("/console/api/approvals")) refused += 1
  })
  await visit("approvals")
  await main.getByText("needs the scope approve").first().waitFor()
  // The page repeats failed requests after a second, and looks for open waits every five seconds.
  for (const _ of [1, 2]) await page.waitForResponse((response) => response.url().endsWith("/api/waits"))
  expect(refused).toBe(1)
})
