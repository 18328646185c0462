import { fileURLToPath } from "node:url"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { onTestFinished } from "vitest"
import { chromiumProgram } from "../chromium-program.ts"
import { type CliProcess, startCli } from "../cli-process.ts"
import type { OnEnd } from "../end-to-end/support/on-end.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { patienceMs } from "../patience.ts"

export const scriptedAgent = fileURLToPath(new URL("fixtures/agent.mjs", import.meta.url))
export const minimalAgent = fileURLToPath(new URL("../../examples/01-minimal/agent.ts", import.meta.url))

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
  /** The model provider. Default: the demo, which needs no server. */
  readonly model?: { readonly url: string }
  /** Default: a port that the system chooses. */
  readonly port?: string
  readonly folder?: string
  /** Default: the gateway ends with the test. */
  readonly onEnd?: OnEnd
}

/** Serves an agent, like a developer or an operator. */
export async function serveConsole(agent: string, options: ServeOptions = {}): Promise<ServedConsole> {
  const { command = "dev", args = [], env = {}, model, port = "0", onEnd = onTestFinished } = options
  const folder = options.folder ?? (await temporaryFolder(onEnd))
  const service =
    model === undefined ? {} : { ANTHROPIC_API_KEY: "sk-test-key", ANTHROPIC_BASE_URL: model.url }
  const cli = startCli([command, agent, "--port", port, ...args], {
    cwd: folder,
    env: { ...noModel, ...service, ...env },
    onEnd,
  })
  const [, url = ""] = await cli.printed(/^Listening on (http:\/\/[\d.]+:\d+)/m)
  return { cli, url, folder }
}

/** Starts a Chromium with an empty profile. */
export async function openBrowser(onEnd: OnEnd = onTestFinished): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: chromiumProgram,
    chromiumSandbox: false,
    args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  })
  onEnd(() => browser.close())
  return browser
}

export interface ConsolePage {
  readonly page: Page
  /** Errors of scripts, and violations of the content security policy. */
  readonly errors: readonly string[]
  send(message: string): Promise<void>
  /** Resolves once the conversation has this state. */
  status(name: "ready" | "running" | "waiting" | "reconnecting"): Promise<void>
  /** Resolves to the texts of the assistant's messages on the page. */
  answers(): Promise<readonly string[]>
  lastAnswer(): Promise<string | undefined>
}

/** Opens an address of the console in a new window, which is closed at the end of the test. */
export async function openConsole(
  browser: Browser,
  url: string,
  window: BrowserContextOptions = {},
): Promise<ConsolePage> {
  const context = await browser.newContext(window)
  context.setDefaultTimeout(patienceMs)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(String(error)))
  page.on("console", (message) => {
    if (/Security Policy|TrustedHTML/.test(message.text())) errors.push(message.text())
  })
  await page.goto(url)
  const field = page.getByLabel("Message", { exact: true })
  const answers = () => page.locator("article.assistant .markdown").allInnerTexts()
  return {
    page,
    errors,
    async send(message) {
      await field.fill(message)
      await field.press("Enter")
    },
    status: (name) => page.locator(`.status[data-status="${name}"]`).waitFor(),
    answers,
    lastAnswer: async () => (await answers()).at(-1),
  }
}
