import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { chromiumProgram } from "../chromium-program.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { installedServer } from "./support/servers.ts"

it("reads and writes files through server-filesystem, and nothing outside of its folder", async () => {
  const folder = await temporaryFolder()
  writeFileSync(join(folder, "note.txt"), "remember the milk")
  const files = installedServer("mcp-server-filesystem", [folder])
  const agent = testAgent({ mcpServers: { files: { ...files, trusted: true } } })
  const read = await agent.call("read_text_file", { path: join(folder, "note.txt") })
  // The text appears once, although the server also sends it as structured content.
  expect(textOfResult(read)).toBe("remember the milk")
  const written = await agent.call("write_file", { path: join(folder, "new.txt"), content: "new" })
  expect(textOfResult(written)).toContain("Successfully wrote")
  const outside = await agent.call("read_text_file", { path: "/etc/hostname" })
  expect(textOfResult(outside)).toMatch(/^\[mcp_tool_error\] .*outside/)
})

it("keeps knowledge in server-memory", async () => {
  const folder = await temporaryFolder()
  const memory = {
    ...installedServer("mcp-server-memory"),
    env: { MEMORY_FILE_PATH: join(folder, "memory.jsonl") },
  }
  const agent = testAgent({ mcpServers: { memory } })
  const entities = [{ name: "Ada", entityType: "person", observations: ["likes engines"] }]
  await agent.call("create_entities", { entities })
  expect(textOfResult(await agent.call("search_nodes", { query: "engines" }))).toContain("Ada")
})

it("shows the progress and the images of server-everything, and reads its resources and prompts", async () => {
  const everything = {
    ...installedServer("mcp-server-everything", ["stdio"]),
    resources: true,
    prompts: true,
  }
  const agent = testAgent({ mcpServers: { everything } })
  const watched = await agent.watchCall("trigger-long-running-operation", { duration: 1, steps: 4 })
  const frames = await watched.rest()
  const chunks = frames.flatMap(({ event }) => (event.type === "tool_output_chunk" ? [event.text] : []))
  expect(chunks.join("")).toBe("1/4\n2/4\n3/4\n4/4\n")
  const image = await agent.call("get-tiny-image")
  expect(image).toMatchObject({
    result: { type: "content", content: [{ type: "text" }, { type: "image" }, { type: "text" }] },
  })
  const structured = await agent.call("get-structured-content", { location: "Chicago" })
  expect(structured).toMatchObject({ result: { type: "json", value: { conditions: expect.any(String) } } })
  const resources = textOfResult(await agent.call("list_resources", { server: "everything" }))
  const { templates } = JSON.parse(resources) as { templates: { uriTemplate: string }[] }
  expect(templates.map(({ uriTemplate }) => uriTemplate)).toContain(
    "demo://resource/dynamic/text/{resourceId}",
  )
  const uri = "demo://resource/dynamic/text/1"
  expect(textOfResult(await agent.call("read_resource", { server: "everything", uri }))).toContain(
    "Resource 1",
  )
  expect(textOfResult(await agent.call("list_prompts", { server: "everything" }))).toContain("args-prompt")
  const prompt = { server: "everything", name: "args-prompt", arguments: { city: "Oslo" } }
  expect(textOfResult(await agent.call("get_prompt", prompt))).toContain("Oslo")
})

it("browses a page through @playwright/mcp", { timeout: 600_000 }, async () => {
  await requires("chromium")
  const page = createServer((_request, response) => {
    response.setHeader("content-type", "text/html")
    response.end("<title>Local</title><h1>Hello from here</h1><button>Press me</button>")
  }).listen(0, "127.0.0.1")
  await once(page, "listening")
  onTestFinished(() => void page.close())
  const address = page.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const browser = installedServer("playwright-mcp", [
    ...["--headless", "--no-sandbox", "--isolated"],
    ...["--executable-path", chromiumProgram, "--output-dir", await temporaryFolder()],
  ])
  // The server's sockets are in a folder with a fixed name, which may belong to another user of this machine.
  const env = { TMPDIR: await temporaryFolder() }
  const agent = testAgent({ mcpServers: { browser: { ...browser, env, timeoutMs: 60_000 } } })
  const result = await agent.call("browser_navigate", { url: `http://127.0.0.1:${port}/` })
  expect(textOfResult(result)).toContain("Local")
  const snapshot = textOfResult(await agent.call("browser_snapshot"))
  expect(snapshot).toContain("Hello from here")
  expect(snapshot).toContain("Press me")
})
