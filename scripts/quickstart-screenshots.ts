// Writes docs/images/quickstart-*.png: the console while a reader follows docs/quickstart.md, with the tool of that
// page and the offline demo. Run `npm run build` first. Needs Debian's `chromium-headless-shell`.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { chromium, type Page } from "playwright-core"
import { chromiumProgram } from "../test/chromium-program.ts"
import { codeBlocks } from "../test/documentation/markdown.ts"
import { consoleAddress, untilPrinted } from "./until-printed.ts"

const repository = join(import.meta.dirname, "..")
const quickstart = await readFile(join(repository, "docs/quickstart.md"), "utf8")
const [agentWithTool = ""] = codeBlocks(quickstart, "ts")
// Inside the repository, where the agent's imports are found.
const folder = await mkdtemp(join(import.meta.dirname, ".quickstart-"))
await copyFile(join(repository, "examples/01-minimal/agent.ts"), join(folder, "agent.ts"))
const { PATH } = process.env
const gateway = spawn(
  process.execPath,
  [join(repository, "bin/agent-gateway.js"), "dev", "agent.ts", "--port", "0"],
  {
    cwd: folder,
    env: { PATH, OLLAMA_BASE_URL: "http://127.0.0.1:9/v1" },
    stdio: ["ignore", "pipe", "inherit"],
  },
)
const browser = await chromium.launch({ executablePath: chromiumProgram, chromiumSandbox: false })
try {
  const page = await browser.newPage({ viewport: { width: 960, height: 600 }, colorScheme: "light" })
  await page.goto(await consoleAddress(gateway.stdout))
  await send(page, "Hello!")
  await page.getByText("You said:").waitFor()
  await ended(page)
  await save(page, "chat")
  await writeFile(join(folder, "agent.ts"), agentWithTool)
  await untilPrinted(gateway.stdout, /Reloaded/)
  await send(page, '/tool wait {"seconds": 5}')
  await page.getByText("2 s", { exact: false }).first().waitFor()
  await save(page, "tool")
} finally {
  await browser.close()
  gateway.kill("SIGTERM")
  await once(gateway, "exit")
  await rm(folder, { recursive: true, force: true })
}

async function send(page: Page, message: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(message)
  await page.keyboard.press("Enter")
}

/** Resolves when no run is open. */
async function ended(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" })
}

async function save(page: Page, name: string): Promise<void> {
  await page.screenshot({
    path: join(repository, `docs/images/quickstart-${name}.png`),
    animations: "disabled",
  })
}
