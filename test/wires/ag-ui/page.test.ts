import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { startCli } from "../../cli-process.ts"
import { codeBlocks } from "../../documentation/markdown.ts"
import { root } from "../../documentation/type-check.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"

const example = join(root, "examples/24-ag-ui")

/** Starts the agent of the example, whose model is the demo. */
async function startAgent(): Promise<string> {
  const cli = startCli(["dev", join(example, "agent.ts"), "--port", "0"], { cwd: await temporaryFolder() })
  const [, port = ""] = await cli.printed(/^Listening on http:\/\/127\.0\.0\.1:(\d+)/m)
  return port
}

/** Starts a program. It is killed at the end of the test, if it has not ended. */
function start(file: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["pipe", "pipe", "pipe"] })
  let printed = ""
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text
    })
  onTestFinished(() => end(child))
  return { child, printed: () => printed }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

/** The outputs of the programs of the page, in their order. */
const outputs = [
  /demo/,
  /^Allow the call of order\?\n.*Persuasion/s,
  /Rome/,
  /^user: Hello\nassistant: .*demo/s,
  /^Allow the call of order\?\n$/,
]

test("every program of the page runs as printed, with the agent of the page", async () => {
  const [agent, ...programs] = codeBlocks(await readFile(join(root, "docs/ag-ui.md"), "utf8"), "ts")
  expect(agent).toBe(await readFile(join(example, "agent.ts"), "utf8"))
  expect(programs).toHaveLength(outputs.length)
  const port = await startAgent()
  const folder = await temporaryFolder()
  await mkdir(join(folder, "node_modules"))
  for (const name of ["@ag-ui", "@tanstack"])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name))
  for (const [index, code] of programs.entries()) {
    const file = join(folder, `program-${index}.mts`)
    await writeFile(file, code.replaceAll(":8000", `:${port}`))
    const { child, printed } = start(file)
    const [status] = await once(child, "close")
    expect([index, status, printed()]).toEqual([index, 0, expect.stringMatching(outputs[index] ?? "")])
  }
})

test("the chat of the example asks for an approval, and executes its own tool", async () => {
  const port = await startAgent()
  const { child, printed } = start(join(example, "chat.ts"), [`http://127.0.0.1:${port}/api/ag-ui`])
  let seen = 0
  const prints = (pattern: RegExp) =>
    eventually(String(pattern), () => {
      const match = pattern.exec(printed().slice(seen))
      if (match !== null) seen += match.index + match[0].length
      return match
    })
  await prints(/^> /)
  child.stdin.write('/tool order {"title":"Emma"}\n')
  await prints(/Allow the call of order\? \[y\/n\] /)
  child.stdin.write("y\n")
  await prints(/\[\{"ordered":"Emma"\}\]\n.*\n> /s)
  child.stdin.write("/tool clock {}\n")
  await prints(new RegExp(`${new Date().getFullYear()}.*\n> `, "s"))
  child.stdin.end()
  expect(await once(child, "close")).toEqual([0, null])
})
