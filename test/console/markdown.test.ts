import { beforeEach, expect, test } from "vitest"
import { requires } from "../needs.ts"
import { openBrowser, openConsole, scriptedAgent, serveConsole } from "./console-stage.ts"
import { startScriptedModel } from "./scripted-model.ts"

beforeEach(() => requires("chromium"))

test("Markdown becomes elements, and nothing in it is executed, loaded or followed", async () => {
  const { url } = await serveConsole(scriptedAgent, { model: await startScriptedModel() })
  const { page, send, status, errors } = await openConsole(await openBrowser(), url, {
    permissions: ["clipboard-read", "clipboard-write"],
  })
  const requests: string[] = []
  page.on("request", (request) => requests.push(new URL(request.url()).host))
  await send("markdown")
  await status("ready")
  const answer = page.locator("article.assistant")

  await expect.poll(() => answer.locator("h2").textContent()).toBe("Plan")
  await expect.poll(() => answer.locator("strong").textContent()).toBe("bold")
  await expect.poll(() => answer.locator("li").allTextContents()).toEqual(["one", "two"])
  await expect.poll(() => answer.locator("td").allTextContents()).toEqual(["1", "2"])
  await answer.getByText("<b>markup</b> & more.").waitFor()
  await expect.poll(() => answer.locator("b, img, script").count()).toBe(0)
  const links = async () =>
    Promise.all((await answer.locator("a").all()).map((link) => link.getAttribute("href")))
  await expect.poll(links).toEqual(["https://example.com/", "https://example.com/leak.png?secret=1"])
  expect(await page.evaluate(() => "wasHacked" in globalThis)).toBe(false)
  expect(new Set(requests)).toEqual(new Set([new URL(url).host]))

  await answer.getByRole("button", { name: "Copy code" }).click()
  await answer.getByText("Copied").waitFor()
  // The expression is a text, because the types of the tests do not include those of pages.
  await expect.poll(() => page.evaluate("navigator.clipboard.readText()")).toBe("const answer: number = 42")
  expect(errors).toEqual([])
})
