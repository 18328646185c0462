import type { Browser } from "playwright-core"
import { beforeAll, beforeEach, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { has, requires } from "../needs.ts"
import { openBrowser, openConsole, type ServedConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { refusedBecause, type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

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

test("the reason of the first failed run stays after the next message and after a reload", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("refuse")
  const reason = page.locator("article.assistant .notice").getByText(refusedBecause)
  await reason.waitFor()
  await page.locator(".notice").getByText("The provider refused the request.").waitFor()
  await page.getByRole("button", { name: "Try again" }).waitFor()
  await send("hello")
  await page.getByText("You said: hello").first().waitFor()
  await status("ready")
  await expect.poll(() => reason.count()).toBe(1)
  await page.reload()
  await status("ready")
  await expect.poll(() => reason.count()).toBe(1)

  await page.goto(`${served.url}/console/#/runs?state=failed`)
  await page.locator(".field-error").getByText(refusedBecause).first().waitFor()
})

test("operators of a production gateway see the provider's reason too", async () => {
  const key = "an-operator-key-of-24-chars"
  const { url } = await serveConsole(scriptedAgent, {
    ...{ command: "start", args: ["--console"], model },
    env: { AGENT_GATEWAY_OPERATOR_KEY: key },
  })
  const { page, send } = await openConsole(browser, `${url}/console/`)
  await page.getByLabel("Operator key").fill(key)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByLabel("Message", { exact: true }).waitFor()
  await send("refuse")
  await page.locator("article.assistant").getByText(refusedBecause).waitFor()
})

test("a stopped run is marked after the next message and after a reload", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send("hold")
  await page.getByText("wörd10").first().waitFor()
  await page.getByRole("button", { name: "Stop" }).click()
  await status("ready")
  const mark = page.locator("article.assistant").getByText("You stopped this run.")
  await mark.waitFor()
  await send("hello")
  await page.getByText("You said: hello").first().waitFor()
  await page.reload()
  await status("ready")
  await expect.poll(() => mark.count()).toBe(1)
  model.release()
})

test("a call has its duration, its live output and the conversation of its sub-agent after a reload", async () => {
  const { page, send, status } = await openConsole(browser, served.url)
  await send(`call|run_agent|${JSON.stringify({ task: "call|build" })}`)
  const worker = page.getByRole("article", { name: "Sub-agent: Done" })
  await worker.getByText("Result:").waitFor()
  await status("ready")

  await page.reload()
  await status("ready")
  const card = page.getByRole("article", { name: "Tool run_agent: Done" })
  await card.getByText(/^Done · [\d.]+ m?s$/).waitFor()
  await expect.poll(() => card.getByText("Done · 0 ms").count()).toBe(0)
  await card.getByRole("button", { name: /run_agent/ }).click()
  const build = worker.getByRole("article", { name: "Tool build: Done" })
  await build.getByRole("button", { name: /build/ }).click()
  await build.getByText(/^Done · [\d.]+ m?s$/).waitFor()
  await expect
    .poll(() => build.locator(".output").textContent())
    .toBe("step 1\nstep 2\nstep 3\nstep 4\nstep 5\n")
  await expect.poll(() => build.locator(".output .stderr").textContent()).toBe("step 5\n")
  await worker.getByText("Result:").waitFor()
})
