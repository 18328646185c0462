import { expect, test } from "vitest"
import { findMissingParts } from "./check-skills.ts"
import type { Skill } from "./skill.ts"
import { computeToolLimits } from "./tool-packs.ts"

const packs = { web: ["web_*"] }
const skill = (toolPacks: readonly string[], allowedTools: readonly string[] | null = null) =>
  ({
    name: "a",
    file: "/a.md",
    toolPacks,
    allowedTools,
    extraExcludedTools: [],
    persistState: false,
  }) as unknown as Skill

test("a skill allows the tools of its defined packs, and of its allowed-tools", () => {
  expect(computeToolLimits(skill(["web"], ["read"]), packs).allowed).toEqual(["read", "web_*"])
})

test("packs that are not defined are ignored and reported", () => {
  expect(computeToolLimits(skill(["nothing"]), packs).allowed).toBeNull()
  expect(computeToolLimits(skill(["nothing", "web"]), packs).allowed).toEqual(["web_*"])
  expect(computeToolLimits(skill(["nothing"], []), packs).allowed).toEqual([])
  expect(
    findMissingParts({ skills: [skill(["nothing"])], mistakes: [] }, { packs, hasState: false }),
  ).toMatchObject([
    { field: "tool_packs", rule: 'The tool pack "nothing" is not defined, so it is ignored.' },
  ])
})
