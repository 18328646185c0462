import { beforeEach, expect, test } from "vitest"
import { requires } from "../needs.ts"
import { openBrowser, openConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { heldText, startScriptedModel } from "./scripted-model.ts"

beforeEach(() => requires("chromium"))

const operatorKey = "correct-horse-battery-staple"

test("an operator signs in, and the page recovers from a gateway that is killed in the middle of an answer", async () => {
  const model = await startScriptedModel()
  const options = {
    command: "start",
    args: ["--console"],
    env: { AGENT_GATEWAY_OPERATOR_KEY: operatorKey },
    model,
  } as const
  const first = await serveConsole(scriptedAgent, options)
  const { page, send, status, answers, errors } = await openConsole(await openBrowser(), first.url)

  await page.getByLabel("Operator key").fill("wrong")
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("alert").getByText("This is not an operator key.").waitFor()
  await page.getByLabel("Operator key").fill(operatorKey)
  await page.getByLabel("Operator key").press("Enter")

  await send("hold")
  await page.locator("article.assistant").getByText("wörd10").waitFor()
  first.cli.signal("SIGKILL")
  await first.cli.exited
  await status("reconnecting")
  await page.getByText("Connection lost. Reconnecting…").waitFor()

  const { port } = new URL(first.url)
  await serveConsole(scriptedAgent, { ...options, port, folder: first.folder })
  // The response starts again and then continues.
  await expect.poll(() => model.requests.length).toBe(2)
  model.release()
  await page.locator("article.assistant").getByText("wörd20").waitFor()
  await status("ready")
  await expect.poll(answers).toEqual([heldText])
  await expect.poll(() => page.locator("article.user").count()).toBe(1)

  await page.getByRole("button", { name: "Sign out" }).click()
  await page.getByLabel("Operator key").waitFor()
  expect(errors).toEqual([])
})
