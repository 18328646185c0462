import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { bundle } from "./bundle.ts"
import { openPage } from "./chromium.ts"
import { repository, startSuite } from "./support.ts"

test("the page of the template lists the conversations of its user, opens each, and has no API key", async () => {
  await requires("chromium")
  const path = `${repository}templates/react/web/page.tsx`
  expect(await readFile(path, "utf8")).not.toMatch(/apiKey|api_key/)
  const code = await bundle(path, {
    resolve: {
      alias: {
        "ai-agent-gateway/react": `${repository}src/client/react/use-agent.ts`,
        "ai-agent-gateway/client": `${repository}src/client/index.ts`,
      },
    },
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  })
  const folder = await temporaryFolder()
  await writeFile(join(folder, "page.js"), code)
  const { url } = await startSuite({ page: folder })
  const page = await openPage(url)
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  // The page's own server, which knows who is signed in.
  await page.route("**/token", async (route) => {
    const body = JSON.stringify({ ...route.request().postDataJSON(), api_key: "suite-key", user_id: "ada" })
    const headers = { "content-type": "application/json" }
    const response = await fetch(`${url}/api/chat/init`, { method: "POST", headers, body })
    await route.fulfill({ contentType: "application/json", body: await response.text() })
  })
  const rootElement = "document.body.innerHTML = '<div id=\"root\"></div>'"
  await page.evaluate(rootElement)
  await page.addScriptTag({ type: "module", url: "/page/page.js" })
  const send = async (message: string) => {
    await page.locator("[name=message]").fill(message)
    await page.getByRole("button", { name: "Send" }).click()
    await page.locator("article.user").getByText(message).waitFor()
    await page.getByText("ready", { exact: true }).waitFor()
  }
  await page.getByText("ready", { exact: true }).waitFor()
  await send("The first message.")
  await page.getByRole("button", { name: "New conversation" }).click()
  await page.getByText("ready", { exact: true }).waitFor()
  await send("The second message.")
  expect(await page.getByText("The first message.").count()).toBe(0)

  await page.getByRole("button", { name: "Conversation 2", exact: true }).waitFor()
  await page.getByRole("button", { name: "Conversation 1", exact: true }).click()
  await page.locator("article.user").getByText("The first message.").waitFor()
  expect(await page.getByText("The second message.").count()).toBe(0)
  expect(errors).toEqual([])
})
