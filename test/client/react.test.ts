import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createElement } from "react"
import { renderToString } from "react-dom/server"
import { expect, test } from "vitest"
import { type UseAgentOptions, useAgent } from "../../src/client/react/use-agent.ts"
import type { History } from "../../src/client/wire/messages.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { bundle } from "./bundle.ts"
import { openPage } from "./chromium.ts"
import { longText } from "./suite/model.mjs"
import { repository, startSuite } from "./support.ts"

/** Opens the page of the example inside a Suspense boundary and StrictMode, with a gateway that the test can kill. */
async function openExample() {
  const folder = await temporaryFolder()
  const code = await bundle(`${repository}test/client/pages/react-page.tsx`, {
    resolve: { alias: { "ai-agent-gateway/react": `${repository}src/client/react/use-agent.ts` } },
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  })
  await writeFile(join(folder, "page.js"), code)
  const { url } = await startSuite({ page: folder })
  const page = await openPage(url)
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  await page.addScriptTag({ type: "module", url: "/page/page.js" })
  const send = async (message: string) => {
    await page.getByLabel("Message").fill(message)
    await page.getByRole("button", { name: "Send" }).click()
  }
  return { url, page, send, errors }
}

test("a page with React shows a run, its approval, and a response during which the gateway is killed", async () => {
  await requires("chromium")
  const { url, page, send, errors } = await openExample()
  const answers = page.locator("article.assistant")

  await send("Hello")
  await answers.first().getByText("Hello you.").waitFor()
  await send('call|erase|{"folder":"a"}')
  await page.getByRole("button", { name: "Allow" }).click()
  await page.getByText('erase: completed "a is empty"').waitFor()
  await page.getByText("ready", { exact: true }).waitFor()

  await send("long")
  await page.getByText("wörd10").waitFor()
  await fetch(`${url}/control/kill`, { method: "POST" })
  await page.getByText("wörd60").waitFor()
  await page.getByText("ready", { exact: true }).waitFor()
  expect(await answers.last().textContent()).toBe(longText)
  expect(await answers.count()).toBe(3)
  expect(await page.locator("article.user").allTextContents()).toEqual([
    ...["Hello", 'call|erase|{"folder":"a"}', "long"],
  ])

  await send("long")
  await page.getByRole("button", { name: "Stop" }).click()
  await page.getByText("ready", { exact: true }).waitFor()
  expect(errors).toEqual([])
})

const history: History = {
  messages: [{ role: "user", content: [{ type: "text", text: "From the server" }] }],
  ...{
    pending_approvals: [],
    pending_tool_calls: [],
    pending_elicitations: [],
    queued_runs: [],
    steering_messages: [],
    running_tasks: [],
  },
  ...{ active_run: null, has_more: false, before: null, last_seq: 9 },
  usage: {
    ...{ input_tokens: 0, output_tokens: 0 },
    ...{ cache_creation_input_tokens: 0, cache_read_input_tokens: 0, estimated_cost: null },
  },
}

function Status(options: UseAgentOptions) {
  const { messages, status } = useAgent(options)
  return createElement("p", null, `${status}: ${JSON.stringify(messages.map(({ parts }) => parts))}`)
}

test("a server renders the given history, and sends no request", () => {
  const refusing = () => Promise.reject(new Error("A server must not send requests."))
  const options = { url: "/api", token: refusing, fetch: refusing }
  expect(renderToString(createElement(Status, options))).toBe("<p>loading: []</p>")
  expect(renderToString(createElement(Status, { ...options, history }))).toContain("From the server")
})
