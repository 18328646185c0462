import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { findGatewayPackage } from "./find-gateway-package.ts"

async function emptyFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "agent-gateway-package-")))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Returns the package's folder below a project whose manifest has the text. */
async function installed(project: string, manifest: string | null): Promise<string> {
  const folder = join(project, "node_modules", "ai-agent-gateway")
  await mkdir(folder, { recursive: true })
  if (manifest !== null) await writeFile(join(project, "package.json"), manifest)
  return folder
}

const depending = (spec: unknown) => JSON.stringify({ dependencies: { "ai-agent-gateway": spec } })

describe("findGatewayPackage", () => {
  it("finds the package file that npx installed", async () => {
    const project = await emptyFolder()
    const folder = await installed(join(project, "npx", "1f"), depending("file:../../my/gateway.tgz"))
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual({
      spec: `file:${join(project, "my", "gateway.tgz")}`,
      makeWith: null,
    })
  })

  it("finds the package file of a development dependency", async () => {
    const project = await emptyFolder()
    const manifest = JSON.stringify({ devDependencies: { "ai-agent-gateway": "file:gateway.tgz" } })
    const found = await findGatewayPackage(await installed(project, manifest), "1.2.3")
    expect(found.spec).toBe(`file:${join(project, "gateway.tgz")}`)
  })

  it("repeats a URL", async () => {
    const url = "https://example.com/gateway.tgz"
    const folder = await installed(await emptyFolder(), depending(url))
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual({ spec: url, makeWith: null })
  })

  it.each([
    ["a range", depending("^1.0.0")],
    ["a tag", depending("latest")],
    ["no manifest", null],
    ["a manifest that is not JSON", "{"],
    ["a manifest that is not an object", "[]"],
    ["a dependency that is not a text", depending(1)],
    ["no such dependency", "{}"],
  ])("uses the range of its version for %s", async (_case, manifest) => {
    const folder = await installed(await emptyFolder(), manifest)
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual({ spec: "^1.2.3", makeWith: null })
  })

  it("uses the package of a clone, and says how to make it if it is missing", async () => {
    const clone = await emptyFolder()
    const file = join(clone, "ai-agent-gateway-1.2.3.tgz")
    expect(await findGatewayPackage(clone, "1.2.3")).toEqual({
      spec: `file:${file}`,
      makeWith: `(cd ${clone} && npm pack)`,
    })
    await writeFile(file, "")
    expect(await findGatewayPackage(clone, "1.2.3")).toEqual({ spec: `file:${file}`, makeWith: null })
  })
})
