import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { codeBlocks } from "../documentation/markdown.ts"
import { requires } from "../needs.ts"
import { answers, calls, says, startModel } from "./support/model.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

beforeEach(() => requires("linux"))

const agent = fileURLToPath(new URL("../fixtures/run-agent.ts", import.meta.url))
const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))

/** Runs the command on its own terminal, on which the test types. */
async function runOnTerminal(
  script: Parameters<typeof startModel>[0],
  { options = "Pay.", file = agent }: { readonly options?: string; readonly file?: string } = {},
) {
  const model = await startModel(script)
  const cwd = await temporaryFolder()
  const command = `${process.execPath} ${program} run ${file} ${options}`
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd,
    // Without a key, the command uses the demo.
    env: {
      ...process.env,
      ANTHROPIC_API_KEY: options.includes("--demo") ? "" : "test",
      ANTHROPIC_BASE_URL: model.url,
      OLLAMA_BASE_URL: model.url,
    },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let shown = ""
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk.toString()
  })
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve))
  const asked = () => vi.waitFor(() => expect(shown).toContain("Allow this call? [y/N]"), { interval: 50 })
  const hasPaid = () => existsSync(join(cwd, "paid.txt"))
  return {
    cwd,
    model,
    asked,
    exited,
    hasPaid,
    shown: () => shown,
    type: (text: string) => child.stdin.write(text),
  }
}

test("on a terminal, the user is asked, and a yes lets the call run", async () => {
  const { cwd, asked, type, exited, shown } = await runOnTerminal([calls("pay", { euros: 5 }), says("Paid.")])
  await asked()
  expect(shown()).toContain('pay {"euros":5}')
  type("y\r")
  expect(await exited).toBe(0)
  expect(shown()).toContain("Paid.")
  expect(await readFile(join(cwd, "paid.txt"), "utf8")).toBe("paid\n")
})

test("the example in docs/headless.md is the real output", async () => {
  const page = await readFile(new URL("../../docs/headless.md", import.meta.url), "utf8")
  const [, options = "", output = ""] = /^\$ agent-gateway run agent\.ts (.+)\n([^`]+)^```/m.exec(page) ?? []
  const { exited, shown } = await runOnTerminal(
    [
      calls("search_tickets", { since: "today" }),
      says("Twelve tickets are open. ", "Two of them are urgent: a refund and a lost parcel."),
    ],
    { options },
  )
  expect(await exited).toBe(0)
  expect(normalizeOutput(shown())).toBe(normalizeOutput(output))
})

const templateAgent = fileURLToPath(new URL("../../templates/tools/agent.ts", import.meta.url))

test.each([
  ["README.md", null],
  ["README.md", templateAgent],
  ["docs/approvals.md", null],
])("the example with an approval in %s is the real output, with the agent of %s", async (name, given) => {
  const page = await readFile(new URL(`../../${name}`, import.meta.url), "utf8")
  const [, options = "", output = ""] =
    /^\$ npx agent-gateway run agent\.ts (--demo .+)\n([^`]+)^```/m.exec(page) ?? []
  const file = given ?? (await writeAgentOf(page))
  const { asked, type, exited, shown } = await runOnTerminal([], { options, file })
  await asked()
  type("y\r")
  expect(await exited).toBe(0)
  expect(normalizeOutput(shown())).toBe(normalizeOutput(output))
})

/** Writes the agent of a page's example into the repository, where it can import the package. */
async function writeAgentOf(page: string): Promise<string> {
  const source = codeBlocks(page, "ts").find((block) => block.includes("delete_note")) ?? ""
  const folder = await mkdtemp(fileURLToPath(new URL("../fixtures/documented-", import.meta.url)))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, "agent.ts")
  await writeFile(file, source)
  return file
}

const normalizeOutput = (text: string) =>
  stripVTControlCharacters(text)
    .replaceAll(/\r+\n/g, "\n")
    .replaceAll(/\d+\.\d s/g, "0.4 s")
    .replaceAll(/^\d\d:\d\d:\d\d/gm, "09:30:00")

test("a line of the log does not continue a line of the response", async () => {
  const spoken = answers([
    { type: "text", text: "Let me look." },
    { type: "toolCall", name: "look", input: {} },
  ])
  const { exited, shown } = await runOnTerminal([spoken, says("Blue.")], {
    options: "Look. --quiet --log pretty",
  })
  expect(await exited).toBe(0)
  const lines = shown()
    .split("\r\n")
    .map((line) => stripVTControlCharacters(line).replace(/^\d\d:\d\d:\d\d ([A-Za-z ]+)\..*/, "log: $1"))
  expect(lines).toEqual(["Let me look.", "log: A tool call completed", "", "Blue.", "log: A run ended", ""])
})

test.each([
  ["anything else", "maybe\r"],
  ["the end of the input", "\u0004"],
])("%s denies the call, and the run continues", async (_, text) => {
  const { asked, type, exited, hasPaid, shown } = await runOnTerminal([calls("pay"), says("Not paid.")])
  await asked()
  type(text)
  expect(await exited).toBe(0)
  expect(shown()).toContain("Not paid.")
  expect(hasPaid()).toBe(false)
})

test("Ctrl+C at the prompt cancels the run, and prints how to continue", async () => {
  const { asked, type, exited, hasPaid, shown, model } = await runOnTerminal([calls("pay"), says("Never.")])
  await asked()
  type("\u0003")
  expect(await exited).toBe(130)
  expect(shown()).toContain("--session")
  expect(hasPaid()).toBe(false)
  expect(model.requests).toHaveLength(1)
})

test("escapes in the arguments of a call do not reach the terminal", async () => {
  const { asked, type, exited, shown } = await runOnTerminal([
    calls("pay", { to: "\u001b[2J\u001b]0;evil\u0007" }),
    says("Not paid."),
  ])
  await asked()
  type("n\r")
  expect(await exited).toBe(0)
  for (const sequence of ["\u001b[2J", "\u001b]0"]) expect(shown()).not.toContain(sequence)
})
