import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { chromium } from "playwright-core"
import { onTestFinished } from "vitest"
import { type CliProcess, startCli } from "../cli-process.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

const noModel = {
  ANTHROPIC_API_KEY: "",
  ANTHROPIC_AUTH_TOKEN: "",
  OPENAI_API_KEY: "",
  OLLAMA_BASE_URL: "http://127.0.0.1:1/v1",
}

export interface ServedConsole {
  readonly cli: CliProcess
  /** Address of the gateway. */
  readonly url: string
  readonly folder: string
}

export interface ServeOptions {
  readonly command?: "dev" | "start"
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly port?: string
  readonly folder?: string
}

/** Serves an agent as a developer does. Ends with the test. */
export async function serveConsole(agent: string, options: ServeOptions = {}): Promise<ServedConsole> {
  const { command = "dev", args = [], env = {}, port = "0", folder = await temporaryFolder() } = options
  const cli = startCli([command, agent, "--port", port, ...args], {
    cwd: folder,
    env: { ...noModel, ...env },
  })
  const [, url = ""] = await cli.printed(/^Listening on (http:\/\/127\.0\.0\.1:\d+)/m)
  return { cli, url, folder }
}

/** Opens a Chromium with an empty profile. Ends with the test. */
export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    chromiumSandbox: false,
    args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  })
  onTestFinished(() => browser.close())
  return browser
}

export interface ConsolePage {
  readonly page: Page
  /** Errors of scripts, and what the content security policy refused. */
  readonly errors: readonly string[]
  send(message: string): Promise<void>
  /** Resolves once the conversation is in this state. */
  status(name: string): Promise<void>
}

/** Opens the console in a window of its own. */
export async function openConsole(
  url: string,
  { browser, ...window }: BrowserContextOptions & { readonly browser?: Browser } = {},
): Promise<ConsolePage> {
  const context = await (browser ?? (await openBrowser())).newContext(window)
  const page = await context.newPage()
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error" && /Security Policy|TrustedHTML/.test(message.text()))
      errors.push(message.text())
  })
  await page.goto(url)
  const field = page.getByLabel("Message", { exact: true })
  return {
    page,
    errors,
    async send(message) {
      await field.fill(message)
      await field.press("Enter")
    },
    status: (name) => page.locator(`.status[data-status="${name}"]`).waitFor(),
  }
}
