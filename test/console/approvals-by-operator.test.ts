import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import type { OperatorKey } from "../../src/http/operate/operators.ts"
import type { OperatorScope } from "../../src/operations/scopes.ts"
import { requires } from "../needs.ts"
import { openBrowser, openConsole, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"

const keyOf = (name: string) => `the-operator-key-of-${name}`

const all: readonly OperatorScope[] = ["read", "content", "approve", "operate"]

/** Serves the console. Returns a function that opens it as an operator, and asks for a call that operators decide. */
async function serveOperators(operators: readonly Omit<OperatorKey, "key">[]) {
  const served = await serveConsole(
    fileURLToPath(new URL("fixtures/operator-approvals-agent.mjs", import.meta.url)),
    {
      ...{ command: "start", args: ["--console"], model: await startScriptedModel() },
      env: { OPERATORS: JSON.stringify(operators.map((each) => ({ ...each, key: keyOf(each.name) }))) },
    },
  )
  const browser = await openBrowser()
  return async (name: string) => {
    const opened = await openConsole(browser, `${served.url}/console/`)
    await opened.page.getByLabel("Operator key").fill(keyOf(name))
    await opened.page.getByRole("button", { name: "Sign in" }).click()
    await opened.send('call|deploy|{"version":"v7"}')
    await opened.page.getByText("Only an operator may decide this call").waitFor()
    return opened
  }
}

test("an operator decides in the chat what clients may not, and another one is told who can", async () => {
  await requires("chromium")
  const ask = await serveOperators([
    { name: "lead", scopes: all },
    { name: "chatter", scopes: ["read", "content", "operate"] },
  ])

  const chatter = await ask("chatter")
  await chatter.page.getByText("waits for another operator").waitFor()
  await chatter.page.getByText("does not have the scope approve").waitFor()
  expect(await chatter.page.getByRole("button", { name: "Allow", exact: true }).count()).toBe(0)

  const lead = await ask("lead")
  await lead.page.getByText("the audit trail has your name").waitFor()
  await lead.page.getByRole("button", { name: "Edit", exact: true }).click()
  await lead.page.getByRole("button", { name: "Back" }).click()
  await lead.page.getByRole("button", { name: "Allow", exact: true }).click()
  await lead.page.getByText("v7 is live").first().waitFor()
  await lead.status("ready")

  // The operator with the scope finds the other call under Approvals, and the chat of its operator continues.
  await lead.page.evaluate('location.hash = "#/approvals"')
  await lead.page
    .getByRole("article", { name: "deploy of chatter" })
    .getByRole("button", { name: "Deny" })
    .click()
  await lead.page.getByRole("button", { name: "Deny the call" }).click()
  await lead.page.getByText("Nothing waits for you").waitFor()
  await chatter.status("ready")
  expect(await chatter.page.getByText("waits for another operator").count()).toBe(0)
  expect([...chatter.errors, ...lead.errors]).toEqual([])
})

test("an operator of one tenant answers in their chat what clients may, and reads who decides the rest", async () => {
  await requires("chromium")
  const ask = await serveOperators([
    { name: "lead", scopes: all },
    { name: "local", scopes: all, tenant: "named_acme" },
  ])
  const { page, send, status, errors } = await ask("local")
  await page.getByText("waits for another operator").waitFor()
  await page.getByText("is for one tenant, to which conversations in the console do not belong").waitFor()
  expect(await page.getByRole("button", { name: "Allow", exact: true }).count()).toBe(0)

  const lead = await ask("lead")
  await lead.page.evaluate('location.hash = "#/approvals"')
  await lead.page
    .getByRole("article", { name: "deploy of local" })
    .getByRole("button", { name: "Allow", exact: true })
    .click()
  await page.getByText("v7 is live").first().waitFor()
  await status("ready")

  await send('call|announce|{"version":"v7"}')
  await page.getByRole("button", { name: "Allow", exact: true }).click()
  await page.getByText("v7 is announced").first().waitFor()
  await status("ready")
  expect([...errors, ...lead.errors]).toEqual([])
})
