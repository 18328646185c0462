import { once } from "node:events"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { startCli } from "../cli-process.ts"
import { bundle } from "../client/bundle.ts"
import { openPage } from "../client/chromium.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { codeBlocks } from "./markdown.ts"
import { checkAsPage, folderInsideRepository, root } from "./type-check.ts"

const page = await readFile(join(root, "docs/ai-sdk.md"), "utf8")

/** Returns the blocks of a language by the names in their first lines. */
function filesOf(language: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    codeBlocks(page, language).map((code) => [/^\/\/ (\S+)\n/.exec(code)?.[1] ?? "without a name", code]),
  )
}

const server = filesOf("ts")
const browser = filesOf("tsx")

test("the code of the page compiles in a browser as shown", async () => {
  expect(Object.keys(browser)).toEqual([
    ...["chat.tsx", "use-gateway-chat.ts", "page.tsx", "locate.tsx", "signed-in.ts", "message.ts"],
  ])
  expect(await checkAsPage(browser)).toBe("")
})

test("the page lists every data part of the gateway", async () => {
  const listed = [...page.matchAll(/^\| `data-gateway-([\w-]+)` \|/gm)].map(([, name]) => name)
  const sources = ["ai-sdk-wire", "calls", "sub-agents", "text"].map((name) =>
    readFile(join(root, `src/wires/ai-sdk/fold/${name}.ts`), "utf8"),
  )
  const created = (await Promise.all(sources)).flatMap((source) =>
    [...source.matchAll(/create(?:Notice|Part)\(\s*"([\w-]+)"/g)].map(([, name]) => name),
  )
  expect(created.length).toBeGreaterThan(0)
  expect(new Set(listed)).toEqual(new Set(created))
})

describe("a page with the code as printed", () => {
  beforeEach(() => requires("chromium"))

  test("chats", async () => {
    const shown = await show({ agent: "agent.ts", from: "chat", component: "Chat" })
    await send(shown, "Hello!")
    await shown.getByText("I am the offline demo").waitFor()
  })

  test("asks for an approval, keeps its messages when it is loaded again, and stops", async () => {
    const shown = await show({ agent: "agent.ts", from: "page", component: "Page" })
    // Nothing can be sent before the page has read the newest response.
    await expect.poll(() => shown.getByRole("button", { name: "Send" }).isEnabled()).toBe(true)
    await send(shown, '/tool order {"title":"Emma"}')
    await shown.getByText('Allow order {"title":"Emma"}?').waitFor()
    await shown.reload()
    await shown.getByRole("button", { name: "Allow" }).click()
    await shown.getByText("order: output-available").waitFor()
    await shown.getByText("ready", { exact: true }).waitFor()
    await expect.poll(() => shown.locator("article").count()).toBe(2)
    const stopped = shown.waitForResponse(/\/stop$/)
    await shown.getByRole("button", { name: "Stop" }).click()
    expect((await stopped).status()).toBe(204)
  })

  test("executes its own tool", async () => {
    const shown = await show({ agent: "locate-agent.ts", from: "locate", component: "Locate" })
    await shown.getByRole("button", { name: "Where am I?" }).click()
    await shown.getByText('"city": "Utrecht"').first().waitFor()
    await shown.getByText("locate answered").waitFor()
  })

  test("sends the token that its own server requests", async () => {
    vi.stubEnv("API_KEY", "key-of-the-server")
    const chat = String(browser["chat.tsx"]).replace(
      /^const transport.+$/m,
      'import { transport } from "./signed-in"',
    )
    const shown = await show({
      agent: "agent.ts",
      from: "chat",
      component: "Chat",
      files: { "chat.tsx": chat },
      options: 'validApiKeys: ["key-of-the-server"]',
    })
    await send(shown, "Hello!")
    await shown.getByText("I am the offline demo").waitFor()
  })
})

interface Shown {
  /** File of the agent. */
  readonly agent: string
  /** Module and component that the page shows. */
  readonly from: string
  readonly component: string
  /** Files in place of those of the page. */
  readonly files?: Readonly<Record<string, string>>
  /** Further options of the agent. */
  readonly options?: string
}

/** Serves an agent with `agent-gateway dev`, and opens a page of another server that shows a component. */
async function show({ agent, from, component, files = {}, options }: Shown): Promise<Page> {
  const folder = await folderInsideRepository()
  const project = await createProject()
  const more = options === undefined ? "" : `${options}, `
  await writeFile(join(project, agent), String(server[agent]).replace("{ tools:", `{ ${more}tools:`))
  const cli = startCli(["dev", agent, "--port", "0"], { cwd: project })
  onTestFinished(async () => {
    cli.signal("SIGTERM")
    await cli.exited
  })
  const [, printed = "", port = ""] = await cli.printed(/^- AI SDK UI: (http:\/\/127\.0\.0\.1:(\d+)\/\S+)$/m)
  const atPort = (code: string) => code.replaceAll(":8000/", `:${port}/`)
  // The page has the address that the command prints.
  expect(atPort(String(browser["chat.tsx"]))).toContain(`"${printed}"`)
  const entry = `import { createRoot } from "react-dom/client"
import { ${component} } from "./${from}"
createRoot(document.body.appendChild(document.createElement("div"))).render(<${component} />)
`
  for (const [name, code] of Object.entries({ ...browser, ...files, "entry.tsx": entry }))
    await writeFile(join(folder, name), atPort(code))
  await writeFile(join(project, "token.ts"), atPort(String(server["token.ts"])))
  const script = await bundle(join(folder, "entry.tsx"), {
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  })
  const shown = await openPage(await servePage(script, join(project, "token.ts")))
  shown.on("pageerror", (error) => expect.unreachable(String(error)))
  return shown
}

/** Creates a project of a server, in which the package is installed. */
async function createProject(): Promise<string> {
  const project = await temporaryFolder()
  await mkdir(join(project, "node_modules"))
  await symlink(root, join(project, "node_modules/ai-agent-gateway"))
  await symlink(join(root, "node_modules/zod"), join(project, "node_modules/zod"))
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }))
  return project
}

/** Serves a page, and the route of its own server that returns a token. */
async function servePage(script: string, tokenModule: string): Promise<string> {
  const { GET: requestToken } = (await import(tokenModule)) as { readonly GET: () => Promise<Response> }
  const pages = createServer(async (request, response) => {
    if (request.url === "/my/token") {
      const token = await requestToken()
      response.writeHead(token.status).end(await token.text())
    } else if (request.url === "/page.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(script)
    } else {
      const html = '<!doctype html><title>Chat</title><body><script type="module" src="page.js"></script>'
      response.writeHead(200, { "content-type": "text/html" }).end(html)
    }
  })
  pages.listen(0, "127.0.0.1")
  await once(pages, "listening")
  onTestFinished(() => {
    pages.closeAllConnections()
    pages.close()
  })
  return `http://localhost:${(pages.address() as AddressInfo).port}/`
}

async function send(shown: Page, message: string): Promise<void> {
  await shown.locator("[name=message]").fill(message)
  await shown.locator("[name=message]").press("Enter")
}
