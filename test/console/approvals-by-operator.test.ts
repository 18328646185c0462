import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import type { OperatorScope } from "../../src/operations/scopes.ts"
import { requires } from "../needs.ts"
import { openBrowser, openConsole, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"

const keyOf = (name: string) => `the-operator-key-of-${name}`

test("an operator decides in the chat what clients may not, and another one is told who can", async () => {
  await requires("chromium")
  const scopes: Readonly<Record<string, readonly OperatorScope[]>> = {
    lead: ["read", "content", "approve", "operate"],
    chatter: ["read", "content", "operate"],
  }
  const operators = Object.entries(scopes).map(([name, each]) => ({ key: keyOf(name), name, scopes: each }))
  const served = await serveConsole(
    fileURLToPath(new URL("fixtures/operator-approvals-agent.mjs", import.meta.url)),
    {
      ...{ command: "start", args: ["--console"], model: await startScriptedModel() },
      env: { OPERATORS: JSON.stringify(operators) },
    },
  )
  const browser = await openBrowser()
  const ask = async (name: string) => {
    const opened = await openConsole(browser, `${served.url}/console/`)
    await opened.page.getByLabel("Operator key").fill(keyOf(name))
    await opened.page.getByRole("button", { name: "Sign in" }).click()
    await opened.send('call|deploy|{"version":"v7"}')
    await opened.page.getByText("Only an operator may decide this call").waitFor()
    return opened
  }

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
