import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { describeMistake } from "../skill.ts"
import { loadSkills } from "./load-skills.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-skills-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, text: string | Uint8Array): string {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

const skill = (name: string, ...lines: readonly string[]) =>
  `---\n${[`name: ${name}`, "description: Makes reports.", ...lines].join("\n")}\n---\n\n# Steps\n`

test("a folder has its instructions, fields of the specification, and files", async () => {
  const file = write(
    "report/SKILL.md",
    skill("report", "license: MIT", "compatibility: Python", "allowed-tools: web_search Bash(git add:*)"),
  )
  write("report/scripts/make.py", "print(1)")
  write("report/references/deep/guide.md", "# Guide")
  write("report/.git/config", "left out")
  write("report/scripts/__pycache__/make.pyc", "left out")
  const { skills, mistakes } = await loadSkills(folder)
  expect(mistakes).toEqual([])
  expect(skills).toMatchObject([
    {
      name: "report",
      description: "Makes reports.",
      file,
      body: "# Steps",
      license: "MIT",
      compatibility: "Python",
      allowedTools: ["web_search", "Bash(git add:*)"],
    },
  ])
  expect(skills[0]?.files.map(({ path }) => path)).toEqual(["references/deep/guide.md", "scripts/make.py"])
})

test("the gateway's fields are under metadata in a folder's skill, and at the top of a file", async () => {
  const fields = {
    version: "1.0",
    model: "m",
    provider: "openai",
    max_turns: "12",
    timeout: "90.5",
    max_budget_usd: "0.5",
    mcp_servers: "files, web",
    tool_packs: "research",
    extra_excluded_tools: "shell",
    interactive: "yes",
    agent_callable: "false",
    agent_description: "Reports",
    persist_state: "true",
    scope: "portfolio",
    author: "somebody",
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  write("folder/SKILL.md", skill("folder", "metadata:", ...lines.map((line) => `  ${line}`)))
  write("file.md", skill("file", ...lines))
  const { skills, mistakes } = await loadSkills(folder)
  expect(mistakes).toEqual([])
  const expected = {
    version: "1.0",
    toolPacks: ["research"],
    extraExcludedTools: ["shell"],
    interactive: true,
    persistState: true,
    scope: "portfolio",
    agent: {
      callable: false,
      description: "Reports",
      model: "m",
      provider: "openai",
      maxTurns: 12,
      timeoutSeconds: 90.5,
      maxBudgetUsd: 0.5,
      mcpServers: ["files", "web"],
    },
    metadata: { author: "somebody" },
  }
  expect(skills).toMatchObject([
    { name: "file", ...expected },
    { name: "folder", ...expected },
  ])
})

test("a file needs no front matter: its name and its first line of text are used instead", async () => {
  write("daily brief.md", "# Brief\n\nSums up the day.\n\nThen more.")
  write("README.md", "Not a skill.")
  const { skills } = await loadSkills(folder)
  expect(skills).toMatchObject([
    { name: "daily brief", description: "Sums up the day.", allowedTools: null, files: [] },
  ])
})

test("lists and null are parsed like YAML in a file", async () => {
  write("a.md", skill("a", "tool_packs: [one, two]", "model: null", "max_turns: ~", "allowed-tools:", "- x"))
  const { skills } = await loadSkills(folder)
  expect(skills).toMatchObject([
    { toolPacks: ["one", "two"], allowedTools: ["x"], agent: { model: null, maxTurns: null } },
  ])
})

test("all mistakes of all skills are reported, and the others are loaded", async () => {
  const first = write(
    "Bad_Name/SKILL.md",
    skill("Bad_Name", "extra: 1", "metadata:", "  max_turns: many", "  interactive: maybe"),
  )
  write("good/SKILL.md", skill("good"))
  const flat = write("flat.md", skill("flat", "timeout: 0", "persist_state: [a]"))
  const { skills, mistakes } = await loadSkills(folder)
  expect(skills.map(({ name }) => name)).toEqual(["good"])
  expect(mistakes.map(({ file, field, source }) => [file, field, source])).toEqual([
    [first, "extra", "specification"],
    [first, "name", "specification"],
    [first, "name", "specification"],
    [first, "metadata.interactive", "gateway"],
    [first, "metadata.max_turns", "gateway"],
    [flat, "persist_state", "gateway"],
    [flat, "timeout", "gateway"],
  ])
  for (const mistake of mistakes) {
    expect(describeMistake(mistake)).toMatch(/^\/.+\.md: [\w.]+: .+\. .+\.$/)
  }
})

test("YAML that the specification refuses hides no other mistake", async () => {
  write("a/SKILL.md", "---\nname: b\nlicense: [MIT]\nmetadata:\n  x: &y 1\n---\n")
  const { mistakes } = await loadSkills(folder)
  expect(mistakes.map(({ field }) => field)).toEqual(["license", "metadata", "name", "description"])
})

test("links inside a skill's folder are followed, and those that lead out are refused", async () => {
  write("good/SKILL.md", skill("good"))
  write("good/a.txt", "text")
  symlinkSync("a.txt", join(folder, "good/b.txt"))
  write("secret.txt", "secret")
  for (const [name, target] of [
    ["out", "../secret.txt"],
    ["absolute", "/etc/passwd"],
    ["folder", "/etc"],
    ["nowhere", "missing"],
    ["itself", "."],
  ] as const) {
    write(`${name}/SKILL.md`, skill(name))
    symlinkSync(target, join(folder, name, "link"))
  }
  const outside = mkdtempSync(join(tmpdir(), "gateway-skills-"))
  mkdirSync(join(outside, "linked"))
  writeFileSync(join(outside, "linked/SKILL.md"), skill("linked"))
  symlinkSync(join(outside, "linked"), join(folder, "linked"))
  symlinkSync("/etc/passwd", join(folder, "users.md"))
  const { skills, mistakes } = await loadSkills(folder)
  rmSync(outside, { recursive: true })
  expect(skills.map(({ name }) => name)).toEqual(["good"])
  const read = skills[0]?.files.map(({ path, content }) => [path, Buffer.from(content).toString()])
  expect(read).toEqual([
    ["a.txt", "text"],
    ["b.txt", "text"],
  ])
  expect(mistakes).toHaveLength(7)
  expect(mistakes.every(({ rule }) => /link|cannot be opened/.test(rule))).toBe(true)
})

test("files that are too large, too deep, too many or not regular are refused", async () => {
  write("large/SKILL.md", `${skill("large")}${"x".repeat(256 * 1024)}`)
  write("front/SKILL.md", skill("front", `license: ${"x".repeat(32_000)}`))
  write("nested/SKILL.md", skill("nested", `license: ${"[".repeat(20_000)}`))
  write("binary/SKILL.md", Buffer.from([0x2d, 0x2d, 0x2d, 0xff]))
  write("deep/SKILL.md", skill("deep"))
  write(`deep/${"d/".repeat(9)}f`, "")
  write("many/SKILL.md", skill("many"))
  for (let index = 0; index <= 1_000; index += 1) write(`many/${index}`, "")
  write("heavy/SKILL.md", skill("heavy"))
  for (const name of ["a", "b", "c"]) write(`heavy/${name}`, Buffer.alloc(7 * 1024 * 1024))
  write("pipe/SKILL.md", skill("pipe"))
  execFileSync("mkfifo", [join(folder, "pipe/p")])
  write("good/SKILL.md", skill("good"))
  const { skills, mistakes } = await loadSkills(folder)
  expect(skills.map(({ name }) => name)).toEqual(["good"])
  const rules = Object.fromEntries(mistakes.map(({ file, rule }) => [file.split("/").at(-2), rule]))
  expect(rules).toEqual({
    large: expect.stringMatching(/has \d+ bytes, more than the 262144 allowed/),
    front: expect.stringMatching(/more than the 32000 allowed/),
    nested: expect.stringMatching(/not valid YAML|cannot be parsed/),
    binary: "The file must be UTF-8.",
    deep: expect.stringMatching(/at most 8 levels/),
    many: expect.stringMatching(/at most 1000 files/),
    heavy: expect.stringMatching(/at most 16777216 bytes/),
    pipe: expect.stringMatching(/Only regular files/),
  })
})

test("the first of two skills with one name is loaded, in the order of the folders", async () => {
  write("one/report.md", skill("report"))
  write("two/report/SKILL.md", skill("report"))
  const folders = [join(folder, "two"), join(folder, "one")]
  const { skills, mistakes } = await loadSkills(folders)
  expect(skills.map(({ file }) => file)).toEqual([join(folder, "two/report/SKILL.md")])
  expect(mistakes).toMatchObject([{ file: join(folder, "one/report.md"), field: "name" }])
})

test("the digest changes with any of the files", async () => {
  const digest = async () => (await loadSkills(folder)).skills[0]?.digest
  write("a/SKILL.md", skill("a"))
  write("a/f", "1")
  const first = await digest()
  expect(await digest()).toBe(first)
  write("a/f", "2")
  const second = await digest()
  write("a/SKILL.md", skill("a", "license: MIT"))
  expect(new Set([first, second, await digest()]).size).toBe(3)
})

test("a missing folder is refused with the remedy", async () => {
  await expect(loadSkills(join(folder, "missing"))).rejects.toThrow(
    /^skillsDir: the folder .+missing cannot be listed: .+ Create the folder, or correct the option\.$/,
  )
})
