import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, test } from "vitest"
import { bundle } from "../../client/bundle.ts"
import { openPage } from "../../client/chromium.ts"
import { longText } from "../../client/suite/model.mjs"
import { type InstalledGateway, installPacked, repository, startSuite } from "../../client/support.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"
import { requires } from "../../needs.ts"

/** Opens a page with `useChat` beside a gateway of the packed command, which the test can kill. */
async function open(path: string, gateway: Partial<InstalledGateway> = {}) {
  const folder = await temporaryFolder()
  const code = await bundle(path, { transform: { define: { "process.env.NODE_ENV": '"development"' } } })
  await writeFile(join(folder, "page.js"), code)
  const { url } = await startSuite({ page: folder }, gateway)
  const page = await openPage(url)
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  const show = () => page.addScriptTag({ type: "module", url: "/page/page.js" })
  await show()
  const send = async (message: string) => {
    await page.locator("[name=message]").fill(message)
    await page.getByRole("button", { name: "Send" }).click()
  }
  const reload = async () => {
    await page.reload()
    await show()
  }
  const kill = () => fetch(`${url}/control/kill`, { method: "POST" })
  return { page, errors, send, reload, kill, answers: page.locator("article.assistant") }
}

const examplePage = `${repository}test/wires/ai-sdk/pages/use-chat-page.tsx`

test("the page of the example shows a response, asks for an approval, and stops", async () => {
  await requires("chromium")
  const { page, errors, send, answers } = await open(examplePage)
  const isReady = () => page.getByText("ready", { exact: true }).waitFor()
  await send("Hello")
  await answers.first().getByText("Hello you.").waitFor()
  await send('call|erase|{"folder":"a"}')
  await page.getByText('Allow erase {"folder":"a"}?').waitFor()
  await page.getByRole("button", { name: "Allow" }).click()
  await page.getByText('erase: output-available "a is empty"').waitFor()
  await answers.nth(1).getByText("Result:").waitFor()
  await isReady()
  await send("long")
  await answers.nth(2).getByText("wörd5 ").waitFor()
  await page.getByRole("button", { name: "Stop" }).click()
  await isReady()
  expect((await answers.last().textContent())?.length).toBeLessThan(longText.length)
  expect(await answers.count()).toBe(3)
  expect(errors).toEqual([])
})

test("the page shows a whole response after it was loaded again in the middle of it", async () => {
  await requires("chromium")
  const { page, errors, send, reload, answers } = await open(examplePage)
  await send("long")
  await page.getByText("wörd10 ").waitFor()
  await reload()
  await page.getByText("wörd60 ").waitFor()
  await page.getByText("ready", { exact: true }).waitFor()
  expect(await answers.allTextContents()).toEqual([longText])
  expect(await page.locator("article.user").allTextContents()).toEqual(["long"])
  expect(errors).toEqual([])
})

test("the page shows a whole response although the gateway was killed in the middle of it", async () => {
  await requires("chromium")
  const { page, errors, send, kill, answers } = await open(examplePage)
  await send("Hello")
  await answers.first().getByText("Hello you.").waitFor()
  await send("long")
  await page.getByText("wörd10 ").waitFor()
  await kill()
  await page.getByText("wörd60 ").waitFor()
  await page.getByText("ready", { exact: true }).waitFor()
  expect(await answers.allTextContents()).toEqual(["Hello you.", longText])
  expect(errors).toEqual([])
})

test("an approval cannot be answered while the response that asks for it is read again", async () => {
  await requires("chromium")
  const { page, errors, send, reload, answers } = await open(examplePage)
  await send('call|erase|{"folder":"a"}')
  const allow = page.getByRole("button", { name: "Allow" })
  await expect.poll(() => allow.isEnabled()).toBe(true)
  const resumed = Promise.withResolvers<void>()
  await page.route("**/stream", async (route) => {
    await resumed.promise
    await route.continue()
  })
  await reload()
  await allow.waitFor()
  expect(await allow.isEnabled()).toBe(false)
  resumed.resolve()
  await allow.click()
  await page.getByText('erase: output-available "a is empty"').waitFor()
  await answers.first().getByText("Result:").waitFor()
  expect(errors).toEqual([])
})

test.each(["before", "after"])(
  "an answer whose connection is lost %s the gateway has it counts once",
  async (when) => {
    await requires("chromium")
    const { page, errors, send, answers } = await open(examplePage)
    await send('call|erase|{"folder":"a"}')
    let requests = 0
    await page.route("**/ai-sdk/chat", async (route) => {
      requests += 1
      if (requests > 1) return route.continue()
      if (when === "after") await route.fetch()
      return route.abort("connectionreset")
    })
    await page.getByRole("button", { name: "Allow" }).click()
    await page.getByText('erase: output-available "a is empty"').waitFor()
    await answers.first().getByText("Result:").waitFor()
    await page.getByText("ready", { exact: true }).waitFor()
    expect(await answers.count()).toBe(1)
    expect(requests).toBe(2)
    expect(errors).toEqual([])
  },
)

test("the page and the packed gateway keep an approval and a response when the gateway is killed", async () => {
  await requires("chromium")
  const { page, errors, send, reload, kill, answers } = await open(examplePage, await installPacked())
  await send('call|erase|{"folder":"a"}')
  await page.getByText('Allow erase {"folder":"a"}?').waitFor()
  await kill()
  await reload()
  await page.getByRole("button", { name: "Allow" }).click()
  await page.getByText('erase: output-available "a is empty"').waitFor()
  await answers.first().getByText("Result:").waitFor()
  await send("long")
  await page.getByText("wörd10 ").waitFor()
  await kill()
  await page.getByText("wörd60 ").waitFor()
  await page.getByText("ready", { exact: true }).waitFor()
  expect(await answers.nth(1).textContent()).toBe(longText)
  await send("long")
  await answers.nth(2).getByText("wörd5 ").waitFor()
  await page.getByRole("button", { name: "Stop" }).click()
  await page.getByText("ready", { exact: true }).waitFor()
  expect((await answers.nth(2).textContent())?.length).toBeLessThan(longText.length)
  expect(errors).toEqual([])
})
