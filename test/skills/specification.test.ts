import { execFile } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { loadSkills } from "../../src/features/skills/load/load-skills.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { installPythonPackages } from "../python-environment.ts"

const run = promisify(execFile)
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url))

const description = "description: Does one thing. Use it for that thing."
const skill = (...lines: readonly string[]) => `---\n${lines.join("\n")}\n---\n\n# Steps\n\n1. Do it.\n`
const named = (name: string, ...lines: readonly string[]) => skill(`name: ${name}`, description, ...lines)

/** `SKILL.md` files by the name of their folder. Null for a folder without one. */
const folders: Readonly<Record<string, string | null>> = {
  minimal: named("minimal"),
  "all-fields": named(
    "all-fields",
    "license: Apache-2.0",
    "compatibility: Requires Python 3.12",
    "allowed-tools: web_search Bash(git:*)",
    "metadata:",
    '  version: "1.2"',
    '  max_turns: "12"',
    "  persist_state: true",
  ),
  "metadata-list": named("metadata-list", "metadata:", "  tool_packs:", "    - research", "    - files"),
  "allowed-list": named("allowed-list", "allowed-tools:", "  - read_file", "  - web_search"),
  "allowed-flow-list": named("allowed-flow-list", "allowed-tools: [read_file]"),
  技能: named("技能"),
  "naïve-2": named("naïve-2"),
  "123": named("123"),
  UPPER: named("UPPER"),
  "-first": named("-first"),
  "last-": named("last-"),
  "two--hyphens": named("two--hyphens"),
  under_score: named("under_score"),
  "with space": named("with space"),
  [`n${"a".repeat(63)}`]: named(`n${"a".repeat(63)}`),
  [`n${"a".repeat(64)}`]: named(`n${"a".repeat(64)}`),
  "other-folder": named("another-name"),
  "no-name": skill(description),
  "empty-name": skill("name:", description),
  "no-description": skill("name: no-description"),
  "blank-description": skill("name: blank-description", 'description: "  "'),
  "long-description": skill("name: long-description", `description: ${"é🙂".repeat(512)}`),
  "longer-description": skill("name: longer-description", `description: ${"é🙂".repeat(512)}!`),
  "folded-description": skill("name: folded-description", "description: >-", "  Does one thing.", "  Well."),
  "colon-description": skill("name: colon-description", "description: Use when: the user asks"),
  "long-compatibility": named("long-compatibility", `compatibility: ${"x".repeat(500)}`),
  "longer-compatibility": named("longer-compatibility", `compatibility: ${"x".repeat(501)}`),
  "unknown-field": named("unknown-field", "version: 1.0"),
  "twice-named": named("twice-named", "name: twice-named"),
  "no-front-matter": "# Steps\n",
  "no-end": `---\nname: no-end\n${description}\n`,
  "front-matter-list": skill("- name", "- description"),
  "empty-front-matter": "---\n---\n\n# Steps\n",
  "with-bom": `\ufeff${named("with-bom")}`,
  "windows-lines": named("windows-lines").replaceAll("\n", "\r\n"),
  "with-tab": named("with-tab", "license:\tMIT"),
  "with-anchor": named("with-anchor", "license: &one MIT"),
  "with-tag": named("with-tag", "license: !!str MIT"),
  "open-quote": named("open-quote", 'license: "MIT'),
  "no-file": null,
}

test("the verdict on a skill's folder equals that of the reference implementation", {
  timeout: 600_000,
}, async ({ skip }) => {
  const root = await temporaryFolder()
  const programs = await installPythonPackages(root, requirements)
  if (programs === null) {
    return skip(
      "Skills were not compared with skills-ref: that needs python3 with venv (Debian: python3-venv).",
    )
  }
  const verdicts: Record<string, { readonly ours: boolean; readonly theirs: boolean }> = {}
  for (const [name, text] of Object.entries(folders)) {
    // Each skill has its own parent folder, because names could collide on a file system that ignores case.
    const parent = join(root, `skill-${Object.keys(verdicts).length}`)
    const file = join(parent, name, "SKILL.md")
    await mkdir(dirname(file), { recursive: true })
    if (text !== null) await writeFile(file, text)
    const { skills, mistakes } = await loadSkills(parent)
    expect(skills.length, name).toBe(mistakes.length === 0 ? 1 : 0)
    verdicts[name] = { ours: mistakes.length === 0, theirs: await isValid(programs, dirname(file)) }
  }
  const differing = Object.entries(verdicts).filter(([, { ours, theirs }]) => ours !== theirs)
  expect(differing).toEqual([])
  const valid = Object.values(verdicts).filter(({ theirs }) => theirs).length
  expect([Object.keys(verdicts).length, valid]).toEqual([40, 12])
})

async function isValid(programs: string, folder: string): Promise<boolean> {
  try {
    await run(join(programs, "agentskills"), ["validate", "--", folder])
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === 1) return false
    throw error
  }
}
