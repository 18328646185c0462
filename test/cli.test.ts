import { execFile } from "node:child_process"
import { cp, mkdir, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, onTestFinished, test } from "vitest"
import { project, runCliProcess, startCli } from "./cli-process.ts"

const agent = (overrides = "") =>
  `import { fakeGateway, runResult } from "GATEWAY"\nexport default fakeGateway(${overrides})\n`

describe("start", () => {
  test("serves until SIGTERM or SIGINT, then closes the gateway and exits with 0", async () => {
    const wires = '[{ name: "Some protocol", path: "/api/some" }]'
    const cwd = await project({ "agent.ts": agent(`{ wires: ${wires} }`) })
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const cli = startCli(["start", "agent.ts", "--port", "0"], { cwd })
      const [, url] = await cli.printed(/Listening on (http:\/\/127\.0\.0\.1:\d+)\n/)
      expect(await (await fetch(url ?? "")).text()).toBe("hello")
      cli.signal(signal)
      expect(await cli.exited).toBe(0)
      expect(cli.stdout()).toBe(`mode start\nListening on ${url}\nSome protocol: ${url}/api/some\nclosed\n`)
      expect(cli.stderr()).toBe("")
    }
  })

  test("one signal stops a gateway whose start hangs", async () => {
    const cwd = await project({
      // The timer keeps the process alive, like an open socket.
      "agent.ts": agent(
        `{ prepare: () => { setInterval(() => {}, 1000); console.log("preparing"); return new Promise(() => {}) } }`,
      ),
    })
    const cli = startCli(["start", "agent.ts", "--port", "0"], { cwd })
    await cli.printed(/preparing/)
    cli.signal("SIGTERM")
    expect(await cli.exited).toBe(0)
    expect(cli.stdout()).toContain("closed")
  })

  test("a second signal ends at once", async () => {
    const cwd = await project({
      "agent.ts": agent(`{ close: () => { console.log("closing"); return new Promise(() => {}) } }`),
    })
    const cli = startCli(["start", "agent.ts", "--port", "0"], { cwd })
    await cli.printed(/Listening/)
    cli.signal("SIGTERM")
    await cli.printed(/closing/)
    cli.signal("SIGTERM")
    expect(await cli.exited).toBe(143)
  })

  test("a port in use is reported in one line", async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
    })
    onTestFinished(() => void server.close())
    const cwd = await project({ "agent.ts": agent() })
    for (const command of ["start", "dev"]) {
      const { code, stderr } = await runCliProcess([command, "agent.ts"], {
        cwd,
        env: { PORT: String(port) },
      })
      expect(code).toBe(4)
      expect(stderr).toBe(
        `agent-gateway: cannot listen on 127.0.0.1:${port}: the port is in use; ` +
          "stop the other program or choose another port with --port.\n",
      )
    }
  })

  test("a gateway that cannot start is reported in one line, and is closed", async () => {
    const cwd = await project({
      "agent.ts": agent(`{ prepare: () => Promise.reject(new Error("no model:\\nset a key")) }`),
    })
    expect(await runCliProcess(["start", "agent.ts"], { cwd })).toEqual({
      code: 1,
      stdout: "closed\n",
      stderr: "agent-gateway: no model: set a key\n",
    })
  })
})

describe("an unusable agent file is reported in one line with the place and the reason:", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      "a syntax error in TypeScript",
      { "agent.ts": "const a: number = 1\nconst b = = 2\n" },
      /agent\.ts:2: SyntaxError: Expression expected/,
    ],
    [
      "a syntax error in JavaScript",
      { "agent.ts": 'import "./broken.mjs"\n', "broken.mjs": "const a = 1\n\nconst b = 2 3\n" },
      /broken\.mjs:3: SyntaxError: /,
    ],
    [
      "TypeScript that Node cannot run",
      { "agent.ts": "\nenum Colour { Red }\nexport default Colour\n" },
      /agent\.ts:2: SyntaxError: TypeScript enum is not supported.* such as an object for an enum$/m,
    ],
    [
      "an import without the ending of its file",
      { "agent.ts": 'import "./dep"\n', "dep.ts": "" },
      /agent\.ts: Error: Cannot find module .*\. Write the ending \.ts in the import$/m,
    ],
    [
      "an import with the ending of a compiled file",
      { "agent.ts": 'import "./dep.js"\n', "dep.ts": "" },
      /agent\.ts: Error: Cannot find module .*\. Write the ending \.ts in the import$/m,
    ],
    [
      "an import of a folder",
      { "agent.ts": 'import "./dep"\n', "dep/index.ts": "" },
      /agent\.ts: Error: Directory import .*\. Node imports files, not folders: write the file, such as index\.ts$/m,
    ],
    [
      "an import of a name that is not there",
      { "agent.ts": '\nimport { nothing } from "./dep.mjs"\nnothing()\n', "dep.mjs": "export const a = 1\n" },
      /agent\.ts:2: SyntaxError: The requested module '\.\/dep\.mjs' does not provide an export named 'nothing'\. Check the name\. If nothing is a type/,
    ],
    [
      "a package that is not installed",
      { "agent.ts": 'import "no-such-package"\n' },
      /agent\.ts: Error: Cannot find package 'no-such-package'.*\. Check the name, or install the package: npm install no-such-package$/m,
    ],
    [
      "an error while it runs",
      {
        "agent.ts": 'import { boom } from "./dep.ts"\nboom()\n',
        "dep.ts": 'export function boom(): void {\n  throw new TypeError("boom")\n}\n',
      },
      /dep\.ts:2: TypeError: boom/,
    ],
    [
      "no default export",
      { "agent.ts": "export const agent = 1\n" },
      /but it has no default export \(only agent\)\./,
    ],
    [
      "an empty file",
      { "agent.ts": "" },
      /agent\.ts must have a gateway as its default export.*but it has no default export\./,
    ],
    [
      "a default export of another kind",
      { "agent.ts": "export default () => {}\n" },
      /but its default export is of type function\./,
    ],
  ])("%s", async (_name, files, message) => {
    const cwd = await project({ "package.json": '{ "type": "module" }', ...files })
    const { code, stdout, stderr } = await runCliProcess(["start", "agent.ts"], { cwd })
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^agent-gateway: [^\n]+\n$/)
    expect(stderr).toMatch(message)
  })
})

test("an agent file that awaits a promise forever ends with a failure and a message", async () => {
  const cwd = await project({ "agent.ts": `await new Promise(() => {})\n${agent()}` })
  expect(await runCliProcess(["run", "agent.ts", "x"], { cwd })).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^agent-gateway: the agent file never finishes loading[^\n]+\n$/),
  })
})

describe("run", () => {
  const answering = (result: string) =>
    agent(`{ run: async (task, { onText }) => {
      onText?.("You said: "); onText?.(task)
      return runResult({ response: "You said: " + task, ${result} })
    } }`)

  test("streams the response to stdout", async () => {
    const cwd = await project({ "agent.ts": answering("") })
    expect(await runCliProcess(["run", "agent.ts", "hello you"], { cwd })).toEqual({
      code: 0,
      stdout: "mode run\nYou said: hello you\nclosed\n",
      stderr: "",
    })
  })

  test("--json prints the result as one line", async () => {
    const cwd = await project({ "agent.ts": answering('toolsUsed: ["search"]') })
    const { code, stdout } = await runCliProcess(["run", "agent.ts", "--json", "hi"], { cwd })
    expect(code).toBe(0)
    const line = stdout.split("\n").find((text) => text.startsWith("{"))
    expect(JSON.parse(line ?? "")).toMatchObject({
      response: "You said: hi",
      toolsUsed: ["search"],
      runId: "run_1",
      cost: 0.25,
      output: null,
    })
    expect(stdout).not.toMatch(/^You said/m)
  })

  test("--output requires a response that matches the schema of a file, and prints it", async () => {
    const cwd = await project({
      "agent.ts": agent(`{ run: async (_task, { output, onText }) =>
        runResult({ output: { asked: output, streams: onText !== undefined } })
      }`),
      "schema.json": '{ "type": "object" }',
    })
    expect(await runCliProcess(["run", "agent.ts", "x", "--output", "schema.json"], { cwd })).toMatchObject({
      code: 0,
      stdout: 'mode run\n{"asked":{"type":"object"},"streams":false}\nclosed\n',
    })
  })

  test.each([
    ["missing.json", /^agent-gateway: --output missing\.json: ENOENT/],
    ["agent.ts", /^agent-gateway: --output agent\.ts: .* is not valid JSON/],
    ["list.json", "agent-gateway: --output list.json: a JSON Schema is an object.\n"],
  ])("--output %s is refused in one line", async (file, message) => {
    const cwd = await project({ "agent.ts": answering(""), "list.json": "[]" })
    const { code, stderr } = await runCliProcess(["run", "agent.ts", "x", "--output", file], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  test.each([[["-"]], [[]]])("reads the task from stdin: %j", async (task) => {
    const cwd = await project({ "agent.ts": answering("") })
    const { stdout } = await runCliProcess(["run", "agent.ts", ...task], { cwd, input: "from a pipe: é\n" })
    expect(stdout).toContain("You said: from a pipe: é\n")
  })

  test("appends piped text to the task", async () => {
    const cwd = await project({ "agent.ts": answering("") })
    const { code, stdout } = await runCliProcess(["run", "agent.ts", "Summarize."], { cwd, input: "é\n" })
    expect(code).toBe(0)
    expect(stdout).toContain("You said: Summarize.\n\n<stdin>\né\n</stdin>\n")
  })

  test("a task on stdin over 1 MiB is refused", async () => {
    const cwd = await project({ "agent.ts": answering("") })
    const input = "x".repeat(1024 * 1024 + 1)
    expect(await runCliProcess(["run", "agent.ts", "-"], { cwd, input })).toMatchObject({
      code: 2,
      stderr: "agent-gateway: the task on stdin is longer than 1048576 bytes.\n",
    })
  })

  test.each([
    [
      'outcome: "interrupted", reason: "max_turns"',
      3,
      "agent-gateway: The run stopped at its maximum number of turns.\n",
    ],
    [
      'outcome: "completed", reason: "max_turns"',
      3,
      "agent-gateway: The run stopped at its maximum number of turns.\n",
    ],
    ['outcome: "interrupted", reason: "budget"', 2, "agent-gateway: The run stopped at its budget.\n"],
    [
      'outcome: "interrupted", reason: "cancelled"',
      1,
      "agent-gateway: The run failed: The run was canceled. (cancelled)\n",
    ],
    [
      'outcome: "failed", error: { code: "overloaded", message: "The model is overloaded." }',
      1,
      "agent-gateway: The run failed: The model is overloaded. (overloaded)\n",
    ],
  ])("%s ends with %i", async (result, code, stderr) => {
    const cwd = await project({ "agent.ts": answering(result) })
    expect(await runCliProcess(["run", "agent.ts", "x"], { cwd })).toMatchObject({ code, stderr })
  })

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s cancels the run and ends with %i", async (signal, code) => {
    const cwd = await project({
      "agent.ts": agent(`{ run: (_task, { signal }) => new Promise((resolve) => {
        console.log("running")
        const alive = setInterval(() => {}, 1000)
        signal.addEventListener("abort", () => {
          clearInterval(alive)
          resolve(runResult({ outcome: "interrupted", reason: "cancelled" }))
        })
      }) }`),
    })
    const cli = startCli(["run", "agent.ts", "x"], { cwd })
    await cli.printed(/running/)
    cli.signal(signal)
    expect(await cli.exited).toBe(code)
    expect(cli.stdout()).toContain("closed")
    expect(cli.stderr()).toMatch(/^agent-gateway: The run was canceled\. .* --session sess_1\n$/)
  })

  test("a reader that disconnects ends it without a message", async () => {
    const cwd = await project({
      "agent.ts": agent(`{ run: async (_task, { onText }) => {
        for (;;) { onText("x".repeat(10_000)); onText("\\n\\n"); await new Promise(setImmediate) }
      } }`),
    })
    const cli = startCli(["run", "agent.ts", "x"], { cwd })
    await cli.printed(/x\n/)
    cli.child.stdout?.destroy()
    expect(await cli.exited).toBe(141)
    expect(cli.stderr()).toBe("")
  })
})

test("chat FILE prints a failed tool call once, and logs no line about it", async () => {
  const entry = new URL("../dist/index.js", import.meta.url).href
  const cwd = await project({
    "agent.mjs": `import { createAgent, tool } from ${JSON.stringify(entry)}
      const fail = tool({
        name: "fail", description: "Fails.", inputSchema: { type: "object" },
        execute() { throw new Error("The printer burns.") },
      })
      export default createAgent("Hi.", { provider: "demo", store: "memory", tools: [fail] })`,
  })
  const { code, stderr } = await runCliProcess(["chat", "agent.mjs"], { cwd, input: "/tool fail {}\n" })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^\[fail\] \{\}\n\[fail\] failed after \d+\.\d s: The printer burns\. .*\n$/)
})

describe("the program", () => {
  const pretend = (version: string) => [
    "--import",
    `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${version}"}})`,
  ]

  test.each(["20.20.2", "22.17.1", "18.0.0"])(
    "reports in one line that Node %s is too old",
    async (version) => {
      const { code, stdout, stderr } = await runCliProcess(["--version"], { nodeOptions: pretend(version) })
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toMatch(
        /^agent-gateway needs Node 22\.18 or newer, and this is Node \S+ [^\n]+ npm install --save-dev node@24\.[^\n]+\n$/,
      )
    },
  )

  test.each(["22.18.0", "24.0.0", "26.10.0"])("runs on Node %s", async (version) => {
    expect(await runCliProcess(["--version"], { nodeOptions: pretend(version) })).toMatchObject({ code: 0 })
  })

  test("names the command that builds it, in a clone without a build", async () => {
    const cwd = await project({})
    await cp(new URL("../bin", import.meta.url), join(cwd, "bin"), { recursive: true })
    await writeFile(join(cwd, "package.json"), '{ "type": "module" }')
    const program = promisify(execFile)(process.execPath, [join(cwd, "bin/agent-gateway.js"), "--version"])
    await expect(program).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: "agent-gateway is not built. In a clone, run: npm run build\n",
    })
  })

  test("hides only the warning about node:sqlite", async () => {
    const cwd = await project({
      "agent.mjs": `const warning = "SQLite is an experimental feature and might change at any time"
        process.emitWarning(warning, "ExperimentalWarning")
        process.emitWarning("something else", "ExperimentalWarning")
        export default null`,
    })
    const { stderr } = await runCliProcess(["start", "agent.mjs"], { cwd })
    expect(stderr).toContain("something else")
    expect(stderr).not.toContain("SQLite")
  })
})

describe("the file .env in the working directory", () => {
  const shown =
    'import { fakeGateway } from "GATEWAY"\nexport default fakeGateway({ answer: String(process.env.GREETING) })\n'

  test("sets variables for the agent, and existing variables take precedence", async () => {
    const cwd = await project({ "agent.ts": shown, ".env": "GREETING=from the file\n" })
    for (const [env, answer] of [
      [{}, "from the file"],
      [{ GREETING: "set before" }, "set before"],
    ] as const) {
      const cli = startCli(["start", "agent.ts", "--port", "0"], { cwd, env })
      const [, url = ""] = await cli.printed(/Listening on (http:\S+)/)
      expect(await (await fetch(url)).text()).toBe(answer)
      cli.signal("SIGTERM")
      await cli.exited
    }
  })

  test("that cannot be read stops the command with one line", async () => {
    const cwd = await project({ "agent.ts": shown })
    await mkdir(join(cwd, ".env"))
    const cli = startCli(["start", "agent.ts", "--port", "0"], { cwd })
    expect(await cli.exited).toBe(1)
    expect(cli.stderr()).toMatch(/^agent-gateway: the file \.env cannot be read: [^\n]+\n$/)
  })
})
