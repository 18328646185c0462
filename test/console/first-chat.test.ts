import { beforeEach, expect, test } from "vitest"
import { requires } from "../needs.ts"
import { minimalAgent, openBrowser, openConsole, serveConsole } from "./console-stage.ts"

beforeEach(() => requires("chromium"))

test("a browser at the printed address sends messages to the agent without a key", async () => {
  const { cli, url } = await serveConsole(minimalAgent)
  const [, printed] = await cli.printed(/Talk to the agent in a browser: (\S+)/)
  expect(printed).toBe(`${url}/console/`)
  const { page, send, status, errors } = await openConsole(await openBrowser(), url)
  expect(page.url()).toBe(`${url}/console/`)

  await send("Hello there!")
  await page.locator("article.assistant").getByText("You said: “Hello there!”").waitFor()
  await status("ready")
  expect(page.url()).toMatch(/#\/chat\/sess_\w+$/)
  await page.getByRole("link", { name: "Hello there!" }).waitFor()
  await expect.poll(() => page.locator("article").count()).toBe(2)

  await page.reload()
  await page.locator("article.assistant").getByText("You said: “Hello there!”").waitFor()
  await expect.poll(() => page.locator("article").count()).toBe(2)
  expect(errors).toEqual([])
})
