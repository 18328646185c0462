import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { checkVersions, readSection } from "../../scripts/release/changelog.ts"

const repository = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(repository, path), "utf8")
const manifests = {
  gateway: JSON.parse(read("package.json")),
  create: JSON.parse(read("create/package.json")),
}

describe("a release", () => {
  it("prints the section of its version alone", () => {
    const changelog =
      "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-12-01\n\n### Added\n\n- B\n\n## [1.0.0]\n\n- A\n"
    expect(readSection(changelog, "1.1.0")).toBe("### Added\n\n- B")
    expect(readSection(changelog, "1.0.0")).toBe("- A")
    expect(() => readSection(changelog, "1.2.0")).toThrow("CHANGELOG.md has no section [1.2.0] with text.")
  })

  it("finds one version in both packages", () => {
    const { version } = manifests.gateway
    expect(() => checkVersions(version, manifests)).not.toThrow()
    expect(() => checkVersions("9.9.9", manifests)).toThrow(
      `The tag names version 9.9.9, and package.json has ${version}.`,
    )
  })

  it("runs scripts that exist, with the right to sign and without a stored token", () => {
    const text = read(".github/workflows/release.yml")
    const { jobs } = parse(text)
    const commands: string[] = [...jobs.test.steps, ...jobs.publish.steps].flatMap(({ run }) => run ?? [])
    const scripts = commands.flatMap((command) => command.match(/(?<= |^)(?:scripts|\.ci)\/\S+/g) ?? [])
    expect(scripts).toContain(".ci/run")
    for (const script of scripts) expect(existsSync(join(repository, script)), script).toBe(true)
    expect(commands.filter((command) => command.startsWith("npm publish --provenance"))).toHaveLength(2)
    expect(jobs.publish).toMatchObject({ needs: "test", permissions: { "id-token": "write" } })
    expect(text).not.toContain("secrets.")
  })
})
