import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { anthropicEvents } from "../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../src/testing/provider/scripted-upstream.ts"

// Writes docs/images/terminal.svg, a recording of `agent-gateway chat` on a real terminal. Run `npm run build` first.
// Needs the program `script` of util-linux.

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))
const columns = 96
const characterWidth = 8.4
const lineHeight = 20
const margin = 16
const typingMs = 45

const model = await startScriptedUpstream(({ body }) => {
  const answersTool = JSON.stringify(body).includes("tool_result")
  return {
    delayMs: 90,
    steps: answersTool
      ? anthropicEvents([{ type: "text", text: ["The old cache ", "is gone. ", "You can ", "release now."] }])
      : anthropicEvents([
          {
            type: "text",
            text: ["The build is green. ", "I clear ", "the old cache ", "first, ", "if you allow it."],
          },
          { type: "toolCall", name: "erase", input: { folder: "/var/cache/build", keep_days: 7 } },
        ]),
  }
})
const folder = await mkdtemp(join(tmpdir(), "record-terminal-"))
const agent = path("scripts/fixtures/console-screenshot-agent.mjs")
const command = `${process.execPath} ${path("bin/agent-gateway.js")} chat ${agent}`
const terminal = spawn("script", ["-qefc", `stty cols ${columns}; ${command}`, "/dev/null"], {
  cwd: folder,
  env: { ...process.env, ANTHROPIC_API_KEY: "sk-recording", ANTHROPIC_BASE_URL: model.url },
  stdio: ["pipe", "pipe", "inherit"],
})

/** A piece of output, and the milliseconds since the start of the recording. */
interface Piece {
  readonly at: number
  readonly text: string
  readonly isTyped: boolean
}

const shownCommand = "npx agent-gateway chat agent.ts"
const pieces: Piece[] = []
let start = 0
let isTyping = false
let printed = ""
terminal.stdout.on("data", (chunk: Buffer) => {
  const text = stripVTControlCharacters(chunk.toString())
  printed += text
  if (start === 0) start = performance.now()
  pieces.push({ at: performance.now() - start, text, isTyped: isTyping })
})

try {
  await untilPrinted("> ")
  await type("Can we release today?")
  await untilPrinted("[?] help: ")
  await delay(900)
  await type("y")
  await untilPrinted("release now.")
  await delay(600)
} finally {
  terminal.kill("SIGKILL")
  await model.close()
  await rm(folder, { recursive: true, force: true })
}
await writeFile(path("docs/images/terminal.svg"), svgOf(withCommand(pieces)))

async function untilPrinted(text: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!printed.includes(text)) {
    if (performance.now() > deadline)
      throw new Error(`the terminal never showed ${JSON.stringify(text)}: ${printed}`)
    await delay(20)
  }
}

async function type(line: string): Promise<void> {
  await delay(500)
  isTyping = true
  for (const character of line) {
    terminal.stdin.write(character)
    await delay(typingMs)
  }
  isTyping = false
  terminal.stdin.write("\n")
}

/** Puts the typed command before its output. */
function withCommand(recorded: readonly Piece[]): readonly Piece[] {
  const typed = [...shownCommand].map((text, index) => ({ at: index * typingMs, text, isTyped: true }))
  const began = shownCommand.length * typingMs + 600
  const prompt: Piece = { at: 0, text: "$ ", isTyped: false }
  const enter: Piece = { at: began - 300, text: "\n", isTyped: false }
  return [prompt, ...typed, enter, ...recorded.map((piece) => ({ ...piece, at: piece.at + began }))]
}

function svgOf(all: readonly Piece[]): string {
  let [row, column] = [0, 0]
  const texts: string[] = []
  for (const { at, text, isTyped } of all) {
    for (const [index, line] of text.replaceAll("\r", "").split("\n").entries()) {
      if (index > 0) [row, column] = [row + 1, 0]
      for (let rest = line; rest !== ""; ) {
        if (column === columns) [row, column] = [row + 1, 0]
        const part = rest.slice(0, columns - column)
        const x = margin + column * characterWidth
        const y = margin + (row + 1) * lineHeight - 6
        const style = `animation-delay:${Math.round(at)}ms`
        const kind = isTyped ? ' class="typed"' : ""
        const width = (part.length * characterWidth).toFixed(1)
        const attributes = `x="${x.toFixed(1)}" y="${y}" textLength="${width}"${kind} style="${style}"`
        texts.push(`<text ${attributes}>${escapeXml(part)}</text>`)
        column += part.length
        rest = rest.slice(part.length)
      }
    }
  }
  const width = Math.ceil(2 * margin + columns * characterWidth)
  const height = 2 * margin + (row + 1) * lineHeight
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="A conversation in the terminal">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d7dae0; white-space: pre }
text { opacity: 0; animation: show 1ms linear forwards }
.typed { fill: #7ee0a1 }
@keyframes show { to { opacity: 1 } }
@media (prefers-reduced-motion: reduce) { text { opacity: 1; animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
${texts.join("\n")}
</svg>
`
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
