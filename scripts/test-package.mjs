// Packs the package and installs it into an empty project. Compiles that project with every supported TypeScript,
// runs an agent on every supported Node, and runs the client on those, Bun and Deno. They come from npm and take
// about 100 to 190 MB each when unpacked, so the normal tests do not include this script. It also creates a project
// from each template of `init`, and runs the project's tests and its agent.
import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { startHarness } from "../test/client/suite/harness.mjs"

const repository = join(import.meta.dirname, "..")
const supported = ["22.18.0", "24.21.0", "26.10.0"]
const tooOld = "20.20.2"
const bun = "1.4.5"
const deno = "2.9.6"
const anthropicSdk = "1.11.0"
const typeScripts = ["5.6.3", "5.9.3", "7.0.2"]

const agent = `import { createAgent, tool, type ToolContext } from "ai-agent-gateway"

const add = tool({
  name: "add",
  description: "Adds two numbers.",
  inputSchema: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
  execute: (input, _context: ToolContext) => Number(input.a) + Number(input.b),
})

export default createAgent("You are a calculator.", { provider: "demo", tools: [add] })
`

const folder = await mkdtemp(join(tmpdir(), "ai-agent-gateway-package-"))
try {
  const nodes = await installNodes(join(folder, "nodes"))
  const { project, archive } = await installPackage(join(folder, "project"))
  const compilers = await installTypeScripts(join(folder, "compilers"))
  for (const version of typeScripts) {
    await compiles(compilers(version), project)
    console.log(`TypeScript ${version}: accepts the types without an optional peer`)
  }
  for (const version of supported) {
    await rm(join(project, ".agent-gateway"), { recursive: true, force: true })
    await runsTask(nodes(version), project)
    await serves(nodes(version), project)
    await runsExample(nodes(version), project)
    console.log(`Node ${version}: runs and serves an agent, and runs an example`)
  }
  await initializes(nodes(supported[1]), { project, archive })
  const others = await installOtherRuntimes(join(folder, "others"))
  const runtimes = [...supported.map((version) => ["Node", version, [nodes(version)]]), ...others]
  // The model of the scenarios uses Anthropic's API, whose SDK is an optional peer.
  await npm(["install", `@anthropic-ai/sdk@${anthropicSdk}`], project)
  for (const [name, version, command] of runtimes) {
    await runsClient(command, nodes(supported[1]), project)
    console.log(`${name} ${version}: runs the client`)
  }
  await refuses(nodes(tooOld), project)
  console.log(`Node ${tooOld}: is told what is needed`)
  await creates(nodes, archive)
  await bringsNode(nodes(supported[1]), nodes(tooOld), { project, archive })
  console.log(`Node ${tooOld} on the machine: init, npm install and npm start work`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Installs each Node and returns its path by its version. */
async function installNodes(prefix) {
  await mkdir(prefix)
  await writeFile(join(prefix, "package.json"), '{ "private": true }')
  const platform = process.platform === "win32" ? "win" : process.platform
  const packages = [...supported, tooOld].map(
    (version) => `node-${version}@npm:node-${platform}-${process.arch}@${version}`,
  )
  await npm(["install", "--no-save", "--ignore-scripts", ...packages], prefix)
  return (version) => {
    const executable = process.platform === "win32" ? "node.exe" : "node"
    return join(prefix, "node_modules", `node-${version}`, "bin", executable)
  }
}

/** Installs Bun and Deno, and returns their names, versions and commands. */
async function installOtherRuntimes(prefix) {
  await mkdir(prefix)
  await writeFile(join(prefix, "package.json"), '{ "private": true }')
  await npm(["install", "--no-save", `bun@${bun}`, `deno@${deno}`], prefix)
  const command = (name) => join(prefix, "node_modules", ".bin", name)
  return [
    ["Bun", bun, [command("bun"), "run"]],
    ["Deno", deno, [command("deno"), "run", "--allow-all", "--no-config"]],
  ]
}

/** Installs each compiler and returns its path by its version. */
async function installTypeScripts(prefix) {
  await mkdir(prefix)
  await writeFile(join(prefix, "package.json"), '{ "private": true }')
  const packages = typeScripts.map((version) => `typescript-${version}@npm:typescript@${version}`)
  await npm(["install", "--no-save", ...packages], prefix)
  return (version) => join(prefix, "node_modules", `typescript-${version}`, "lib", "tsc.js")
}

/**
 * Compiles a strict project that checks the package's own declarations, without optional peers and without the types
 * of Node.
 */
async function compiles(compiler, project) {
  await copyFile(join(repository, "test/fixtures/every-entry.ts"), join(project, "every-entry.ts"))
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: [],
  }
  const configuration = { compilerOptions, files: ["every-entry.ts"] }
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(configuration))
  const compiling = promisify(execFile)(process.execPath, [compiler, "-p", "."], { cwd: project })
  await compiling.catch(({ stdout }) => assert.fail(stdout))
}

/** Runs the scenarios of the client's tests against the installed gateway, with the installed client. */
async function runsClient([program, ...args], node, project) {
  const installed = join(project, "node_modules", "ai-agent-gateway")
  const agent = join(project, "suite-agent.mjs")
  await copyFile(join(repository, "test/client/fixtures/agent.mjs"), agent)
  const harness = await startHarness({
    node,
    program: join(installed, "bin/agent-gateway.js"),
    agent,
    cwd: await mkdtemp(join(folder, "suite-")),
    testing: await import(join(installed, "dist/testing.js")),
    folders: {},
  })
  try {
    const client = `file://${join(installed, "dist/client")}`
    const run = join(repository, "test/client/suite/run.mjs")
    const { stdout } = await promisify(execFile)(program, [...args, run, harness.url, client], {
      timeout: 240_000,
      env: { PATH: process.env.PATH, HOME: folder, TMPDIR: tmpdir() },
    })
    const outcomes = JSON.parse(/^OUTCOMES (.*)$/m.exec(stdout)[1])
    assert.deepEqual(
      Object.entries(outcomes).filter(([, failure]) => failure !== null),
      [],
    )
  } finally {
    await harness.close()
  }
}

async function installPackage(project) {
  await mkdir(project)
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }')
  await writeFile(join(project, "agent.ts"), agent)
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], repository)
  // npm 11 prints a list of packages. Other versions may print an object with the packages by name.
  const [packed] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))))
  const unwanted = packed.files
    .map((file) => file.path)
    // The examples are meant to be read, and the templates become projects.
    .filter((path) => /^(?!(examples|templates)\/).*(\.test\.|\/fixtures\/|\.ts$(?<!\.d\.ts))/.test(path))
  assert.deepEqual(unwanted, [], "the package holds files that nobody needs")
  await npm(["install", join(folder, packed.filename)], project)
  assert(!existsSync(join(project, "node_modules/node")), "the package brought a Node of its own")
  console.log(`${packed.filename}: ${packed.files.length} files, ${packed.size} bytes`)
  return { project, archive: join(folder, packed.filename) }
}

async function runsTask(node, project) {
  const task = '/tool add {"a": 19, "b": 23}'
  const { code, stdout, stderr } = await cli(node, ["run", "agent.ts", "--json", task], project).ended
  assert.equal(code, 0, stderr)
  const result = JSON.parse(stdout)
  assert.equal(result.outcome, "success")
  assert.deepEqual(result.toolsUsed, ["add"])
  assert.match(result.response, /42/)
  assert.doesNotMatch(stderr, /Warning/)
}

/** Runs an example of the installed package as a user does: from a copy, because Node runs no TypeScript in node_modules. */
async function runsExample(node, project) {
  const name = "21-from-python"
  const installed = join(project, "node_modules", "ai-agent-gateway", "examples", name)
  await rm(join(project, name), { recursive: true, force: true })
  await cp(installed, join(project, name), { recursive: true })
  const task = '/tool find_order {"order":18}\n/tool count_stock {"product":"kettle"}'
  const { code, stdout, stderr } = await cli(node, ["run", `${name}/agent.ts`, "--demo", task], project).ended
  assert.equal(code, 0, stderr)
  assert.match(stdout, /"state":"lost"/)
  assert.match(stdout, /"pieces":4/)
  const report = await watch(node, [join(name, "report.ts")], {
    cwd: project,
    env: { PATH: process.env.PATH },
  }).ended
  assert.equal(report.code, 0, report.stderr)
  assert.match(report.stdout, /You said: “Write the report of the day/)
}

async function serves(node, project) {
  const server = cli(node, ["start", "agent.ts", "--port", "0"], project)
  try {
    const url = await server.listening
    const health = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(60_000) })
    assert.deepEqual(await health.json(), { status: "ok" })
  } finally {
    server.child.kill("SIGTERM")
  }
  const { code, stderr } = await server.ended
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stderr, /Warning/)
}

/** Makes a project from each template with the installed command, and runs its tests, its checks and its agent. */
async function initializes(node, { project, archive }) {
  const projects = join(folder, "projects")
  await mkdir(projects)
  const env = { PATH: `${dirname(node)}:${process.env.PATH}`, HOME: process.env.HOME, TMPDIR: tmpdir() }
  for (const template of ["minimal", "tools", "skills", "full", "react"]) {
    const made = cli(
      node,
      ["init", join(projects, template), "--template", template, "--gateway", archive],
      project,
    )
    const { code, stderr } = await made.ended
    assert.equal(code, 0, stderr)
    const own = join(projects, template)
    await npm(["install"], own)
    for (const script of ["test", "check", ...(template === "react" ? ["build"] : [])]) {
      await promisify(execFile)("npm", ["run", script], { cwd: own, env, timeout: 240_000 })
    }
    const server = cli(node, ["dev", "agent.ts", "--port", "0"], own)
    try {
      const page = await fetch(`${await server.listening}/console/`, { signal: AbortSignal.timeout(60_000) })
      assert.equal(page.status, 200)
    } finally {
      server.child.kill("SIGTERM")
    }
    await server.ended
    console.log(`init --template ${template}: installs, passes its tests and serves its console`)
  }
}

async function refuses(node, project) {
  const { code, stdout, stderr } = await cli(node, ["start", "agent.ts"], project).ended
  assert.equal(code, 1)
  assert.equal(stdout, "")
  assert.match(stderr, /^agent-gateway needs Node 22\.18 or newer, and this is Node 20[^\n]+\n$/)
  const program = join(project, "library.mjs")
  await writeFile(
    program,
    `import { createAgent } from "ai-agent-gateway"\nawait createAgent("Hi.", { provider: "demo" }).run("Hi.")\n`,
  )
  const library = await watch(node, [program], { cwd: project }).ended
  assert.equal(library.code, 1)
  assert.match(
    library.stderr,
    /needs Node 22\.18 or newer, and this is Node 20.+npm install --save-dev node@24/,
  )
}

/** Runs `npm create ai-agent-gateway` from packed files: on a supported Node, and on one that is too old. */
async function creates(nodes, archive) {
  const project = join(folder, "create")
  await mkdir(project)
  await writeFile(join(project, "package.json"), '{ "private": true }')
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], join(repository, "create"))
  const [packed] = Object.values(JSON.parse(stdout))
  await npm(["install", archive, join(folder, packed.filename)], project)
  const program = join(project, "node_modules", "create-ai-agent-gateway", "create.js")
  for (const version of [supported[1], tooOld]) {
    const own = `created-on-${version}`
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: tmpdir() }
    const created = await watch(nodes(version), [program, own, "--gateway", archive], { cwd: project, env })
      .ended
    const isSupported = version !== tooOld
    assert.equal(created.code, isSupported ? 0 : 1, created.stderr)
    if (!isSupported)
      assert.match(created.stderr, /^agent-gateway needs Node 22\.18 or newer, and this is Node 20/)
    assert.equal(existsSync(join(project, own, "agent.ts")), isSupported)
    console.log(`Node ${version}: npm create ${isSupported ? "creates a project" : "is told what is needed"}`)
  }
}

/** Creates, installs, tests and starts a project on a machine whose Node is too old. */
async function bringsNode(node, older, { project, archive }) {
  const own = join(folder, "projects", "older")
  const machine = { ...process.env, PATH: `${dirname(older)}:${process.env.PATH}` }
  const made = await cli(node, ["init", own, "--gateway", archive], project, machine.PATH).ended
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, new RegExp(`The Node of this machine is ${tooOld}`))
  // npm itself runs on the older Node, because it is a script that starts the first Node of PATH.
  const { stderr } = await npm(["install"], own, machine)
  assert.doesNotMatch(stderr, /EBADDEVENGINES|allowScripts/)
  const { stdout } = await npm(["test"], own, machine)
  assert.match(stdout, /pass [1-9]/)
  const server = watch("npm", ["start", "--", "--port", "0"], { cwd: own, env: machine, detached: true })
  try {
    const page = await fetch(`${await server.listening}/console/`, { signal: AbortSignal.timeout(60_000) })
    assert.equal(page.status, 200)
  } finally {
    process.kill(-server.child.pid, "SIGTERM")
  }
  await server.ended
}

/** Starts the installed command, and ends it after four minutes. */
function cli(node, args, cwd, path = process.env.PATH) {
  const program = join(cwd, "node_modules", "ai-agent-gateway", "bin", "agent-gateway.js")
  return watch(node, [program, ...args], {
    cwd,
    env: { PATH: path, HOME: process.env.HOME, TMPDIR: tmpdir() },
  })
}

/** Starts a program, and ends it after four minutes. */
function watch(program, args, options) {
  const child = spawn(program, args, {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 240_000,
    killSignal: "SIGKILL",
  })
  let stdout = ""
  let stderr = ""
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text
  })
  const ended = new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
  const listening = new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text
      const url = /Listening on (http:[^\s,]+)/.exec(stdout)?.[1]
      if (url !== undefined) resolve(url)
    })
    void ended.then(({ code }) => reject(new Error(`ended with ${code} before it listened: ${stderr}`)))
  })
  // Only `serves` awaits this promise. Other commands may end without listening.
  listening.catch(() => {})
  return { child, ended, listening }
}

function npm(args, cwd, env = process.env) {
  const command = process.platform === "win32" ? "npm.cmd" : "npm"
  return promisify(execFile)(command, [...args, "--no-audit", "--no-fund"], {
    cwd,
    env,
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
  })
}
