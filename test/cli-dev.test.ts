import { spawn } from "node:child_process"
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, onTestFinished, test, vi } from "vitest"
import {
  type CliProcess,
  cliProgram,
  project,
  replaceProjectFile,
  startCli,
  writeProjectFile,
} from "./cli-process.ts"

const agent = (answer: string) =>
  `import { fakeGateway } from "GATEWAY"\nconsole.log("worker", process.pid)\nexport default fakeGateway({ answer: "${answer}" })\n`

async function startDev(
  files: Readonly<Record<string, string>>,
  options: { readonly detached?: boolean } = {},
) {
  const cwd = await project(files)
  const cli = startCli(["dev", "agent.ts", "--port", "0"], { cwd, ...options })
  return { cwd, cli, url: await urlOf(cli) }
}

async function urlOf(cli: CliProcess): Promise<string> {
  const [, url] = await cli.printed(/Listening on (http:\S+),/)
  return url ?? ""
}

async function answers(url: string, text: string): Promise<void> {
  await vi.waitFor(async () => expect(await (await fetch(url)).text()).toBe(text), { interval: 50 })
}

/** Returns the process id of the worker that loaded the agent last. */
function workerOf(cli: CliProcess): number {
  return Number([...cli.stdout().matchAll(/worker (\d+)/g)].at(-1)?.[1])
}

async function gone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { interval: 50 })
}

test("prints how to send a message to the agent", async () => {
  const { cli, url } = await startDev({ "agent.ts": agent("one") })
  await cli.printed(/"message":"Hello!"/)
  expect(cli.stdout()).toContain("mode dev\n")
  expect(cli.stdout()).toContain(`curl -s ${url}/api/chat/init`)
  expect(cli.stdout()).toContain(`curl -N ${url}/api/chat `)
})

test("reloads when the agent's file changes, on the same port", async () => {
  const { cwd, cli, url } = await startDev({ "agent.ts": agent("one") })
  await answers(url, "one")
  const first = workerOf(cli)
  await writeProjectFile(cwd, "agent.ts", agent("two"))
  await cli.printed(/Reloaded: /)
  await answers(url, "two")
  expect(cli.stdout()).toContain("closed\n")
  await gone(first)
})

test("reloads when an imported file changes, and not for other files", async () => {
  const { cwd, cli, url } = await startDev({
    "agent.ts": `import { fakeGateway } from "GATEWAY"\nimport { answer } from "./answer.ts"\nexport default fakeGateway({ answer })\n`,
    "answer.ts": 'export const answer: string = "one"\n',
  })
  await answers(url, "one")
  await writeProjectFile(cwd, "notes.ts", "const unrelated = 1\n")
  // One reload covers changes in quick succession.
  await delay(500)
  await replaceProjectFile(cwd, "answer.ts", 'export const answer: string = "two"\n')
  await cli.printed(/Reloaded/)
  await answers(url, "two")
  expect(cli.stdout().match(/Reloaded/g)).toHaveLength(1)
})

test("continues to serve after a syntax error, and reloads when it is fixed", async () => {
  const { cwd, cli, url } = await startDev({ "agent.ts": agent("one") })
  const first = workerOf(cli)
  await replaceProjectFile(cwd, "agent.ts", "export default fakeGateway({ answer: })\n")
  await cli.printed(/Waiting for a change of its files\.\n/)
  expect(cli.stderr()).toMatch(
    /^agent-gateway: agent\.ts:1: SyntaxError: [^\n]+\nagent-gateway: [^\n]+ The previous version still serves\.[^\n]+\n$/,
  )
  await answers(url, "one")
  expect(workerOf(cli)).toBe(first)
  await writeProjectFile(cwd, "agent.ts", agent("mended"))
  await answers(url, "mended")
})

test("an agent that is broken from the start is served once it is fixed", async () => {
  const cwd = await project({ "agent.ts": 'import "./answer.ts"\n', "answer.ts": "const = 1\n" })
  const cli = startCli(["dev", "agent.ts", "--port", "0"], { cwd })
  await cli.printed(/Waiting for a change/)
  await writeProjectFile(cwd, "answer.ts", agent("mended"))
  await cli.printed(/agent\.ts must have a gateway as its default export/)
  await writeProjectFile(cwd, "agent.ts", agent("mended"))
  await answers(await urlOf(cli), "mended")
})

test("an agent that crashes waits for a change", async () => {
  const { cwd, cli, url } = await startDev({
    "agent.ts": `import { existsSync } from "node:fs"
      ${agent("one")}
      setInterval(() => { if (existsSync("crash")) throw new Error("crash") }, 20)`,
  })
  await writeProjectFile(cwd, "crash", "")
  await cli.printed(/the agent stopped with exit code 1\. Waiting for a change of its files\.\n/)
  await writeProjectFile(cwd, "agent.ts", agent("two"))
  await answers(url, "two")
})

test.each(["SIGKILL", "SIGTERM", "SIGABRT"] as const)(
  "an agent that %s ended starts again on the same port",
  async (signal) => {
    const { cli, url } = await startDev({ "agent.ts": agent("one") })
    await answers(url, "one")
    const first = workerOf(cli)
    process.kill(first, signal)
    await cli.printed(
      new RegExp(`agent-gateway: ${signal} ended the agent's process\\. Starting it again\\.\n`),
    )
    await cli.printed(/Reloaded: /)
    await answers(url, "one")
    expect(workerOf(cli)).not.toBe(first)
    await gone(first)
  },
)

test("an agent that a signal ends while it loads waits for a change", async () => {
  const cwd = await project({
    "agent.ts": "process.kill(process.pid, 'SIGKILL')\nawait new Promise(() => {})\n",
  })
  const cli = startCli(["dev", "agent.ts", "--port", "0"], { cwd })
  await cli.printed(/the agent was not loaded because SIGKILL ended its process\. Waiting for a change/)
  await writeProjectFile(cwd, "agent.ts", agent("two"))
  await answers(await urlOf(cli), "two")
})

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s ends the worker gracefully with a success code",
  async (signal) => {
    const { cli } = await startDev({ "agent.ts": agent("one") })
    cli.signal(signal)
    expect(await cli.exited).toBe(0)
    expect(cli.stdout()).toContain("closed\n")
    await gone(workerOf(cli))
  },
)

test("Ctrl+C, which reaches both processes, is graceful", async () => {
  const { cli } = await startDev({ "agent.ts": agent("one") }, { detached: true })
  process.kill(-cli.pid, "SIGINT")
  expect(await cli.exited).toBe(0)
  expect(cli.stdout()).toContain("closed\n")
  await gone(workerOf(cli))
})

test("a second signal ends both at once", async () => {
  const { cli } = await startDev({
    "agent.ts": `import { fakeGateway } from "GATEWAY"
      console.log("worker", process.pid)
      export default fakeGateway({ close: () => { console.log("closing"); return new Promise(() => {}) } })`,
  })
  cli.signal("SIGINT")
  await cli.printed(/closing/)
  cli.signal("SIGINT")
  expect(await cli.exited).toBe(130)
  await gone(workerOf(cli))
})

test("prints the addresses of the other protocols, if there are any", async () => {
  const wires = '[{ name: "Some protocol", path: "/api/some" }]'
  const source = `import { fakeGateway } from "GATEWAY"\nexport default fakeGateway({ wires: ${wires} })\n`
  const { cli, url } = await startDev({ "agent.ts": source })
  expect(cli.stdout()).toContain(
    `\nOr with the client of another protocol:\n\n- Some protocol: ${url}/api/some\n\n`,
  )
  const without = await startDev({ "agent.ts": agent("one") })
  expect(without.cli.stdout()).not.toContain("another protocol")
})

test("the worker ends when its supervisor is killed", async () => {
  const { cli } = await startDev({ "agent.ts": agent("one") })
  cli.signal("SIGKILL")
  expect(await cli.exited).toBe("SIGKILL")
  await gone(workerOf(cli))
})

const consoleAgent = `import { fakeGateway } from "GATEWAY"
export default fakeGateway({ consoleUrl: "http://127.0.0.1:1/console" })
`

/** Runs `dev` on its own terminal, on which the test types. */
async function devOnTerminal(source = consoleAgent) {
  const cwd = await project({ "agent.ts": source })
  // Replaces the program that opens a browser.
  await writeFile(join(cwd, "xdg-open"), `#!/bin/sh\necho "$1" > ${cwd}/opened\n`)
  await chmod(join(cwd, "xdg-open"), 0o755)
  const command = `${process.execPath} ${cliProgram} dev agent.ts --port 0`
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd,
    env: { ...process.env, PATH: `${cwd}:${process.env.PATH}` },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve))
  const printed = (pattern: RegExp) => vi.waitFor(() => expect(output).toMatch(pattern), { interval: 50 })
  return { cwd, type: (text: string) => child.stdin.write(text), printed, exited }
}

test("on a terminal, keys restart the agent, open the console and quit", async () => {
  const { cwd, type, printed, exited } = await devOnTerminal()
  await printed(/Type r and Enter to restart/)
  type("x\n")
  await printed(/(Type r and Enter[\s\S]*){2}/)
  type("r\n")
  await printed(/Reloaded: /)
  type("o\n")
  const url = await vi.waitFor(() => readFile(join(cwd, "opened"), "utf8"))
  expect(url).toBe("http://127.0.0.1:1/console\n")
  type("q\n")
  expect(await exited).toBe(0)
})

test("on a terminal, an agent that is not loaded or stopped can be started with r", async () => {
  const { cwd, type, printed } =
    await devOnTerminal(`import { existsSync, rmSync, writeFileSync } from "node:fs"
import { fakeGateway } from "GATEWAY"
if (!existsSync("fixed")) throw new Error("broken")
setInterval(() => { if (existsSync("crash")) { rmSync("crash"); throw new Error("crash") } }, 20)
export default fakeGateway()
`)
  await printed(/the agent was not loaded\. Waiting for a change of its files, or for r and Enter\./)
  await writeFile(join(cwd, "fixed"), "")
  type("r\n")
  await printed(/Listening on/)
  await writeFile(join(cwd, "crash"), "")
  await printed(
    /the agent stopped with exit code 1\. Waiting for a change of its files, or for r and Enter\./,
  )
  type("r\n")
  await printed(/Reloaded: /)
})
