import { execFile } from "node:child_process"
import { existsSync, globSync, readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { describe, expect, onTestFinished, test } from "vitest"
import { installClaudeAgentSdk } from "../scripts/install-claude-agent-sdk.ts"
import { readEnvironment } from "../src/adapters/providers/choose/environment.ts"
import { commandHelp } from "../src/cli/help.ts"
import { optionSchemas } from "../src/gateway/options/agent-options.ts"
import { toolSchema } from "../src/kernel/tools/local-tool.ts"
import { startCli } from "./cli-process.ts"
import { codeBlocks, headingAnchors, links, withEarlierImports } from "./documentation/markdown.ts"
import { folderInsideRepository, root, typeCheck } from "./documentation/type-check.ts"

const pages = globSync(
  ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "examples/**/*.md"],
  {
    cwd: root,
    exclude: ["**/node_modules/**"],
  },
)
const read = (page: string) => readFileSync(join(root, page), "utf8")

test.each(pages)("every link of %s has a target", (page) => {
  const broken = links(read(page)).filter((link) => {
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? join(root, page) : resolve(root, dirname(page), decodeURIComponent(path))
    if (!existsSync(target)) return true
    return anchor !== undefined && !headingAnchors(readFileSync(target, "utf8")).includes(anchor)
  })
  expect(broken).toEqual([])
})

test.each(["docs/README.md", "llms.txt"])("%s lists every page", (index) => {
  const listed = links(read(index)).map((link) => join(dirname(index), link))
  const listable = pages.filter((page) => /^docs\//.test(page) && page !== "docs/README.md")
  expect(listable.filter((page) => !listed.includes(page))).toEqual([])
  expect(listed.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test("every page that a packed page links to is packed too", async () => {
  const options = ["pack", "--dry-run", "--json", "--ignore-scripts"]
  const { stdout } = await promisify(execFile)("npm", options, { cwd: root })
  const [{ files }] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[] }]
  const packed = files.map(({ path }) => path)
  const missing = pages
    .filter((page) => packed.includes(page))
    .flatMap((page) =>
      links(read(page)).map((link) => join(dirname(page), link.split("#")[0] || basename(page))),
    )
    .filter((target) => !packed.some((path) => path === target || path.startsWith(join(target, "/"))))
  expect(missing).toEqual([])
})

describe("docs/reference.md", () => {
  const sections = new Map(
    read("docs/reference.md")
      .split(/^## /m)
      .map((section) => [section.split("\n", 1)[0] ?? "", section]),
  )
  /** Returns the names in back quotes in the first column of a section's tables. */
  const namesUnder = (heading: string) => {
    const rows = [...(sections.get(heading) ?? "").matchAll(/^\| (`[^|]+`) \|/gm)]
    return rows
      .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name))
      .sort()
  }

  test("has every option once", () => {
    const optionNames = {
      createAgent: Object.keys(optionSchemas.createAgent),
      createGatewayApp: Object.keys(optionSchemas.createGatewayApp),
      createGateway: Object.keys(optionSchemas.createGateway),
    }
    const agentOptions = namesUnder("createAgent")
    expect(agentOptions).toEqual([...optionNames.createAgent].sort())
    const own = optionNames.createGatewayApp.filter((name) => !optionNames.createAgent.includes(name))
    expect(namesUnder("createGatewayApp")).toEqual([...own].sort())
    const several = optionNames.createGateway.filter((name) => !optionNames.createAgent.includes(name))
    expect(namesUnder("createGateway")).toEqual([...several].sort())
  })

  test("has every option of a tool", () => {
    expect(namesUnder("tool")).toEqual(Object.keys(toolSchema.shape).sort())
  })

  test("has every command", () => {
    expect(namesUnder("The command").map((usage) => usage.split(" ")[0])).toEqual(
      Object.keys(commandHelp).sort(),
    )
  })

  test("has every variable that the gateway reads", () => {
    const known = new Set(["PORT", "DEBUG", "AGENT_GATEWAY_API_KEY"])
    readEnvironment(new Proxy({}, { get: (_, name) => void known.add(String(name)) }))
    expect(namesUnder("Environment")).toEqual([...known].sort())
  })
})

test("every TypeScript block of the pages type-checks", async () => {
  const folder = await folderInsideRepository()
  const blocks = pages.flatMap((page) => {
    const texts = withEarlierImports(codeBlocks(read(page), "ts"))
    return texts.map((code, index) => ({ name: `${page.replaceAll(/[/.]/g, "-")}-${index + 1}.ts`, code }))
  })
  expect(blocks.length).toBeGreaterThan(3)
  for (const { name, code } of blocks) await writeFile(join(folder, name), `${code}\nexport {}\n`)
  const files = blocks.map(({ name }) => name)
  // In the examples of a page, `./agent.ts` is the reader's file.
  await writeFile(
    join(folder, "agent.ts"),
    `export { default } from "../../../examples/01-minimal/agent.ts"\n`,
  )
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
  // The repository's own check excludes this example, because its SDK is installed separately.
  await installClaudeAgentSdk()
  const example = join(root, "examples/16-claude-agent/agent.ts")
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions,
    files: [...files, example],
    include: [],
  }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config))
  expect(await typeCheck(folder)).toBe("")
})

test("the commands that the program prints start a conversation", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-documentation-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const cli = startCli(["dev", join(root, "examples/01-minimal/agent.ts"), "--port", "0"], {
    cwd: folder,
  })
  const [, port = ""] = await cli.printed(
    /^Listening on http:\/\/127\.0\.0\.1:(\d+)[\s\S]+?\n\n[\s\S]+?\n\n/m,
  )
  const printed = cli.stdout().replaceAll(`:${port}`, ":8000")
  const [token = "", chat = ""] = printed.split("\n").flatMap((line) => /^ {2}(\S.*)$/.exec(line)?.[1] ?? [])
  expect(token).toContain("TOKEN=")
  expect(chat).toContain("curl")
  expect(codeBlocks(read("README.md"), "sh")).toContain(`${token}\n${chat}\n`)
  expect(read("docs/quickstart.md")).toContain(`\n${token}\n`)
})
