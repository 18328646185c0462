import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createElement } from "react"
import { renderToString } from "react-dom/server"
import { describe, expect, test } from "vitest"
import { connect } from "../../src/client/index.ts"
import { type UseAgentOptions, useAgent } from "../../src/client/react/use-agent.ts"
import type { History } from "../../src/core/wire/messages.ts"
import { codeBlocks } from "../documentation/markdown.ts"
import { folderInsideRepository } from "../documentation/type-check.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { bundle } from "./bundle.ts"
import { openPage } from "./chromium.ts"
import { longText } from "./suite/model.mjs"
import { repository, startSuite } from "./support.ts"

/** Opens a page with React beside a gateway that the test can kill. */
async function openReactPage(path: string) {
  const folder = await temporaryFolder()
  const code = await bundle(path, {
    resolve: { alias: { "ai-agent-gateway/react": `${repository}src/client/react/use-agent.ts` } },
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  })
  await writeFile(join(folder, "page.js"), code)
  const { url } = await startSuite({ page: folder })
  const page = await openPage(url)
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  // The page's own server, which knows who is signed in.
  await page.route("**/my/token", async (route) => {
    const body = JSON.stringify({ api_key: "suite-key", user_id: "ada" })
    const headers = { "content-type": "application/json" }
    const response = await fetch(`${url}/api/chat/init`, { method: "POST", headers, body })
    await route.fulfill({ contentType: "application/json", body: await response.text() })
  })
  await page.addScriptTag({ type: "module", url: "/page/page.js" })
  const send = async (message: string) => {
    await page.locator("[name=message]").fill(message)
    await page.getByRole("button", { name: "Send" }).click()
  }
  return { url, page, errors, send }
}

test("the page of the docs shows a run and its approval", async () => {
  await requires("chromium")
  const folder = await folderInsideRepository()
  const [code = ""] = codeBlocks(await readFile(`${repository}docs/client.md`, "utf8"), "tsx")
  const main = `
    import { createRoot } from "react-dom/client"
    import { Chat } from "./chat.tsx"
    createRoot(document.body).render(<Chat userId="ada" />)
  `
  await writeFile(join(folder, "chat.tsx"), code)
  await writeFile(join(folder, "main.tsx"), main)
  const { page, send, errors } = await openReactPage(join(folder, "main.tsx"))
  await page.getByText("ready", { exact: true }).waitFor()
  await send("Hello")
  await page.locator("article.assistant").getByText("Hello you.").waitFor()
  await send('call|erase|{"folder":"a"}')
  await page.getByText('Allow erase {"folder":"a"}?').waitFor()
  await page.getByRole("button", { name: "Allow" }).click()
  await page.getByText("erase: completed").waitFor()
  expect(errors).toEqual([])
})

test("a page with React shows a run, its approval, and a response during which the gateway is killed", async () => {
  await requires("chromium")
  const { url, page, send, errors } = await openReactPage(`${repository}test/client/pages/react-page.tsx`)
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
  await expect.poll(() => answers.last().textContent()).toBe(longText)
  await expect.poll(() => answers.count()).toBe(3)
  await expect
    .poll(() => page.locator("article.user").allTextContents())
    .toEqual([...["Hello", 'call|erase|{"folder":"a"}', "long"]])

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

/** Returns a stored conversation with one message of a user. */
function historyOf(user: string): History {
  return {
    ...history,
    messages: [{ role: "user", content: [{ type: "text", text: `Past of ${user}` }] }],
    last_seq: 0,
  }
}

describe.each(["key", "tokens"] as const)(
  "a page on which three people sign in one after the other (%s)",
  (credentials) => {
    const users = ["ann", "ben", "cleo"]

    test("shows each of them their own conversation from the first rendering on, and sends to it", async () => {
      await requires("chromium")
      const { url, page, errors } = await openReactPage(`${repository}test/client/pages/identity-page.tsx`)
      const sessions = new Map<string, string>()
      for (const userId of users) {
        const options = { userId, history: historyOf(userId) }
        await page.evaluate(`harness.show(${JSON.stringify(options)}, "${credentials}")`)
        await page.evaluate(`harness.agent().send("I am ${userId}")`)
        await page.waitForFunction(
          `harness.agent().status === "ready" && harness.renderings.at(-1).texts.includes("Hello you.")`,
        )
        sessions.set(userId, await page.evaluate<string>("harness.agent().chat.sessionId"))
      }
      expect(new Set(sessions.values()).size).toBe(3)
      // They return in the middle of the responses of the others.
      for (const round of [1, 2]) {
        for (const [userId, sessionId] of sessions) {
          await page.evaluate(`harness.show(${JSON.stringify({ userId, sessionId })}, "${credentials}")`)
          await page.waitForFunction("harness.agent().messages.length > 1")
          await page.evaluate(`harness.agent().send("long|of ${userId}")`)
          await page.waitForFunction(`harness.hasAccepted(${round})`)
        }
      }
      expect(errors).toEqual([])
      type Rendering = {
        readonly user: string
        readonly sessionId: string | null
        readonly texts: readonly string[]
      }
      const renderings = await page.evaluate<readonly Rendering[]>("harness.renderings")
      for (const { user, sessionId, texts } of renderings) {
        const others = users.filter((other) => other !== user)
        expect(texts.filter((text) => others.some((other) => text.includes(other)))).toEqual([])
        expect([null, sessions.get(user)]).toContain(sessionId)
      }
      for (const userId of users) {
        const first = renderings.find(({ user }) => user === userId)
        expect(first).toEqual({ user: userId, sessionId: null, texts: [`Past of ${userId}`] })
        const stored = connect({
          url: `${url}/api`,
          apiKey: "suite-key",
          userId,
          sessionId: sessions.get(userId) ?? "",
        })
        const readSaid = async () => {
          const { messages } = await stored.history()
          const blocks = messages.filter(({ role }) => role === "user").flatMap(({ content }) => content)
          return blocks.map((block) => (block.type === "text" ? block.text : ""))
        }
        const expected = [`I am ${userId}`, `long|of ${userId}`, `long|of ${userId}`]
        await expect.poll(readSaid).toEqual(expected)
      }
    })
  },
)

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
