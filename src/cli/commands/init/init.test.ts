import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { PassThrough } from "node:stream"
import { describe, expect, it, onTestFinished } from "vitest"
import { runCli } from "../../run-cli.ts"
import { templateNames } from "./read-template.ts"

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-init-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs `init` in the folder. If `answer` is not null, runs it on a terminal on which a user types the answer. */
async function init(
  cwd: string,
  argv: readonly string[],
  answer: string | null = null,
  env: Readonly<Record<string, string>> = {},
) {
  let [stdout, stderr] = ["", ""]
  const stdin = Object.assign(new PassThrough(), { isTTY: answer !== null })
  if (answer !== null) stdin.end(`${answer}\n`)
  const code = await runCli({
    argv: ["init", ...argv],
    env,
    cwd,
    stdin,
    stdout: { isTTY: answer !== null, write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal: new AbortController().signal,
    program: "",
  })
  return { code, stdout, stderr }
}

async function fakeNode(folder: string, script: string): Promise<string> {
  const program = join(folder, "node")
  await mkdir(folder, { recursive: true })
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return program
}

const manifestOf = async (folder: string) => JSON.parse(await readFile(join(folder, "package.json"), "utf8"))

describe("init", () => {
  it.each(templateNames)("creates the project %s, and prints the next steps", async (template) => {
    const folder = await emptyFolder()
    const { code, stdout } = await init(folder, ["My Agent", "--template", template])
    expect(code).toBe(0)
    expect(stdout).toContain('cd "My Agent"')
    const files = await readdir(join(folder, "My Agent"))
    const expected = ["agent.ts", "agent.test.ts", "AGENTS.md", "Dockerfile", "package.json", "README.md"]
    expect(files).toEqual(
      expect.arrayContaining([...expected, ".gitignore", ".dockerignore", ".env.example"]),
    )
    expect(files).not.toContain("gitignore")
    const readme = await readFile(join(folder, "My Agent", "README.md"), "utf8")
    expect(readme).toContain("# my-agent\n")
    expect(readme).toContain("`/tool TOOL {")
  })

  it("adds the sections of a template to the README", async () => {
    const folder = await emptyFolder()
    await init(folder, ["a", "--template", "react"])
    const readme = await readFile(join(folder, "a", "README.md"), "utf8")
    expect(readme).toContain("# a\n")
    expect(readme).toContain("\n\n## The page\n")
  })

  it("depends on the package of this clone, unless another one is named", async () => {
    const folder = await emptyFolder()
    const { version, peerDependencies, dependencies } = JSON.parse(await readFile("package.json", "utf8"))
    await init(folder, ["a"])
    await init(folder, ["b", "--gateway", "^1.2.3"])
    const [a, b] = [await manifestOf(join(folder, "a")), await manifestOf(join(folder, "b"))]
    expect(a).toMatchObject({
      name: "a",
      dependencies: {
        "ai-agent-gateway": `file:ai-agent-gateway-${version}.tgz`,
        "@anthropic-ai/sdk": peerDependencies["@anthropic-ai/sdk"],
        openai: peerDependencies.openai,
        zod: `^${dependencies.zod}`,
      },
    })
    expect(b.dependencies["ai-agent-gateway"]).toBe("^1.2.3")
  })

  it("copies a package file into the project and into its image", async () => {
    const folder = await emptyFolder()
    await writeFile(join(folder, "gateway 1.tgz"), "package")
    const { code, stdout } = await init(folder, ["a", "--gateway", "./gateway 1.tgz"])
    expect(code).toBe(0)
    expect(stdout).not.toContain("npm pack")
    const project = join(folder, "a")
    expect((await manifestOf(project)).dependencies["ai-agent-gateway"]).toBe("file:gateway 1.tgz")
    expect(await readFile(join(project, "gateway 1.tgz"), "utf8")).toBe("package")
    expect(await readFile(join(project, "Dockerfile"), "utf8")).toContain(
      'COPY ["package.json", "package-lock.json", "gateway 1.tgz", "./"]\n',
    )
  })

  it("needs no package file in the image for a version of the registry", async () => {
    const folder = await emptyFolder()
    await init(folder, ["a", "--gateway", "^1.2.3"])
    expect(await readFile(join(folder, "a", "Dockerfile"), "utf8")).toContain(
      "COPY package.json package-lock.json ./\n",
    )
  })

  it("writes nothing if the package file is missing", async () => {
    const folder = await emptyFolder()
    const { code, stderr } = await init(folder, ["a", "--gateway", "file:missing.tgz"])
    expect(code).toBe(1)
    expect(stderr).toContain(
      `the package ${join(folder, "missing.tgz")} does not exist. Nothing was written.`,
    )
    expect(await readdir(folder)).toEqual([])
  })

  it("says that docker build cannot install a linked folder", async () => {
    const folder = await emptyFolder()
    await mkdir(join(folder, "clone"))
    const { stdout } = await init(folder, ["a", "--gateway", "file:clone"])
    expect((await manifestOf(join(folder, "a"))).dependencies["ai-agent-gateway"]).toBe(
      `file:${join(folder, "clone")}`,
    )
    expect(stdout).toContain("docker build cannot install it")
  })

  it("installs the database driver for a template with Postgres", async () => {
    const folder = await emptyFolder()
    const { peerDependencies } = JSON.parse(await readFile("package.json", "utf8"))
    await init(folder, ["a", "--template", "full"])
    expect(await manifestOf(join(folder, "a"))).toMatchObject({ dependencies: { pg: peerDependencies.pg } })
  })

  it("lets npm warn of an older Node", async () => {
    const folder = await emptyFolder()
    const { engines } = JSON.parse(await readFile("package.json", "utf8"))
    const { stdout } = await init(folder, ["a"], null, { PATH: dirname(process.execPath) })
    const manifest = await manifestOf(join(folder, "a"))
    expect(manifest.engines).toEqual(engines)
    expect(manifest.devEngines).toEqual({
      runtime: { name: "node", version: engines.node, onFail: "warn" },
    })
    expect(manifest.devDependencies.node).toBeUndefined()
    expect(manifest.allowScripts).toBeUndefined()
    expect(stdout).not.toContain("The Node of this machine")
  })

  it("brings a Node if that of the machine is too old, and says so", async () => {
    const folder = await emptyFolder()
    const program = await fakeNode(join(folder, "bin"), "echo v20.20.2")
    // npm puts the Node of the project that it runs first.
    const own = await fakeNode(join(folder, "node_modules", ".bin"), "echo v24.0.0")
    const PATH = [dirname(own), dirname(program), dirname(process.execPath)].join(delimiter)
    const { stdout } = await init(folder, ["a"], null, { PATH })
    const manifest = await manifestOf(join(folder, "a"))
    expect(manifest).toMatchObject({
      devDependencies: { node: expect.stringMatching(/^\^24\./) },
      devEngines: { runtime: { onFail: "ignore" } },
      allowScripts: { node: true },
    })
    expect(stdout).toContain(
      `The Node of this machine is 20.20.2 (${program}), and the agent needs 22.18.0 or newer. ` +
        "Therefore npm install also installs Node 24 into the project.",
    )
  })

  it.each(["exit 1", "echo hello", "echo v22.18.0", "echo v100.0.0"])(
    "brings no Node if that of the machine is a script with %s",
    async (script) => {
      const folder = await emptyFolder()
      const program = await fakeNode(join(folder, "bin"), script)
      await init(folder, ["a"], null, { PATH: dirname(program) })
      expect((await manifestOf(join(folder, "a"))).devDependencies.node).toBeUndefined()
    },
  )

  it("overwrites no file, and then writes none", async () => {
    const folder = await emptyFolder()
    await mkdir(join(folder, "mine"))
    await writeFile(join(folder, "mine", "agent.ts"), "mine")
    const { code, stderr } = await init(folder, ["mine"])
    expect(code).toBe(1)
    expect(stderr).toContain("already has agent.ts. Nothing was written")
    expect(await readdir(join(folder, "mine"))).toEqual(["agent.ts"])
    expect(await readFile(join(folder, "mine", "agent.ts"), "utf8")).toBe("mine")
  })

  it("refuses a file in place of the folder", async () => {
    const folder = await emptyFolder()
    await writeFile(join(folder, "mine"), "")
    const { code, stderr } = await init(folder, ["mine"])
    expect(code).toBe(1)
    expect(stderr).toContain(`${join(folder, "mine")} is not a folder. Choose another one.`)
  })

  it("asks for the template at a terminal, and takes the default for an empty line", async () => {
    const folder = await emptyFolder()
    const asked = await init(folder, ["a"], "minimal")
    expect(asked.stdout).toMatch(/^Template \(minimal, tools, .+\) \[tools\]: /)
    expect(asked.stdout).toContain("from the template minimal")
    expect((await init(folder, ["b"], "")).stdout).toContain("from the template tools")
  })

  it("names the package after this folder, without characters that npm refuses", async () => {
    const folder = join(await emptyFolder(), "_My Agent ☂")
    await mkdir(folder)
    await init(folder, [])
    expect(await manifestOf(folder)).toMatchObject({ name: "my-agent" })
  })

  it.each([
    [["a", "b"], "unexpected argument b"],
    [["--template", "tool"], "unknown template tool; did you mean tools?"],
    [["--template", "x"], "the templates are minimal, tools, skills, full, react"],
    [["--tmpl", "x"], "Unknown option '--tmpl'"],
  ])("refuses %j in one line", async (argv, problem) => {
    const { code, stderr } = await init(await emptyFolder(), argv)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
    expect(stderr.trimEnd()).not.toContain("\n")
  })
})
