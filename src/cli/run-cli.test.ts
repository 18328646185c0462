import { readFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { runInProcess } from "./fixtures/run-in-process.ts"

const cli = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runInProcess(argv, { cwd: import.meta.dirname, env })

test("--version prints the package's version", async () => {
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
  for (const flag of ["--version", "-v"]) {
    expect(await cli([flag])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" })
  }
})

test("--help names every command", async () => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout } = await cli(argv)
    expect(code).toBe(0)
    expect(stdout).toMatch(/dev FILE.*start FILE.*run FILE/s)
  }
})

test.each([
  ["dev", "--port PORT"],
  ["start", "--port PORT"],
  ["run", "--json"],
  ["run", "--demo"],
])("%s --help shows its own options", async (command, option) => {
  const { code, stdout } = await cli([command, "agent.ts", "--help"])
  expect(code).toBe(0)
  expect(stdout).toContain(`Usage: agent-gateway ${command} FILE`)
  expect(stdout).toContain(option)
})

test("help COMMAND is COMMAND --help", async () => {
  expect(await cli(["help", "run"])).toEqual(await cli(["run", "--help"]))
})

test("no command shows the help on stderr and fails", async () => {
  expect(await cli([])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Commands:") })
})

describe("a wrong call is one line and exit code 2:", () => {
  test.each([
    [["serve"], "unknown command serve (see agent-gateway --help)"],
    [["dve"], "unknown command dve; did you mean dev? (see agent-gateway --help)"],
    [["constructor"], "unknown command constructor"],
    [["--port", "1"], "unknown option --port"],
    [["start"], "FILE is missing; usage: agent-gateway start FILE"],
    [["start", "a.ts", "b.ts"], "unexpected argument b.ts; usage: agent-gateway start FILE"],
    [
      ["start", "a.ts", "--prot", "1"],
      "Unknown option '--prot'; did you mean --port? (see agent-gateway start --help)\n",
    ],
    [["start", "a.ts", "--tls"], "Unknown option '--tls' (see agent-gateway start --help)\n"],
    [["outbox", "retyr"], "unknown action retyr; did you mean retry?"],
    [["sandbox", "bild"], "unknown action bild; did you mean build?"],
    [["start", "a.ts", "--port"], "--port"],
    [["start", "a.ts", "--port", "web"], '--port must be a number from 0 to 65535, but it is "web".'],
    [["start", "a.ts", "--port", "65536"], "--port must be"],
    [["start", "missing.ts"], "missing.ts does not exist."],
    [["start", "."], ". is not a file."],
    [["dev", "missing.ts"], "missing.ts does not exist."],
    [["run", "run-cli.ts"], 'the task on stdin is empty; usage: agent-gateway run FILE "TASK"'],
    [["run", "run-cli.ts", " "], "the task is empty."],
    [["run", "run-cli.ts", "-"], "the task on stdin is empty"],
    [["run", "run-cli.ts", "-", "-"], "unexpected argument -"],
    [["run", "missing.ts", "task"], "missing.ts does not exist."],
  ])("%j", async (argv, message) => {
    const { code, stdout, stderr } = await cli(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(/^agent-gateway: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })

  test("PORT", async () => {
    expect(await cli(["start", "a.ts"], { PORT: "none" })).toMatchObject({
      code: 2,
      stderr: 'agent-gateway: PORT must be a number from 0 to 65535, but it is "none".\n',
    })
  })
})

test("--verbose and DEBUG show the stack", async () => {
  for (const [argv, env] of [
    [["start", "missing.ts", "--verbose"], {}],
    [["start", "missing.ts"], { DEBUG: "1" }],
  ] as const) {
    expect((await cli(argv, env)).stderr).toMatch(/missing\.ts does not exist\.\n +at /)
  }
})
