import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { findGatewayPackage, resolveNamedPackage } from "./find-gateway-package.ts"

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

async function emptyFile(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, "")
  return path
}

const copied = (path: string) => {
  const name = basename(path)
  return { spec: `file:${name}`, file: { name, from: { type: "copy", path } } }
}

const depending = (spec: unknown) => JSON.stringify({ dependencies: { "ai-agent-gateway": spec } })

describe("findGatewayPackage", () => {
  it("finds the package file that npx installed", async () => {
    const project = await emptyFolder()
    const folder = await installed(join(project, "npx", "1f"), depending("file:../../my/gateway.tgz"))
    const file = await emptyFile(join(project, "my", "gateway.tgz"))
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual(copied(file))
  })

  it("refuses a package file that is gone, with the remedy", async () => {
    const project = await emptyFolder()
    const folder = await installed(project, depending("file:gateway.tgz"))
    await expect(findGatewayPackage(folder, "1.2.3")).rejects.toThrow(
      `the package ${join(project, "gateway.tgz")} does not exist. Nothing was written. ` +
        "Name an existing package with --gateway.",
    )
  })

  it("finds the package file of a development dependency", async () => {
    const project = await emptyFolder()
    const manifest = JSON.stringify({ devDependencies: { "ai-agent-gateway": "file:gateway.tgz" } })
    const file = await emptyFile(join(project, "gateway.tgz"))
    expect(await findGatewayPackage(await installed(project, manifest), "1.2.3")).toEqual(copied(file))
  })

  it("repeats a URL", async () => {
    const url = "https://example.com/gateway.tgz"
    const folder = await installed(await emptyFolder(), depending(url))
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual({ spec: url, file: null })
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
    expect(await findGatewayPackage(folder, "1.2.3")).toEqual({ spec: "^1.2.3", file: null })
  })

  it("uses the package of a clone, and says how to make it if it is missing", async () => {
    const clone = await emptyFolder()
    const name = "ai-agent-gateway-1.2.3.tgz"
    expect(await findGatewayPackage(clone, "1.2.3")).toEqual({
      spec: `file:${name}`,
      file: { name, from: { type: "pack", folder: clone } },
    })
    const file = await emptyFile(join(clone, name))
    expect(await findGatewayPackage(clone, "1.2.3")).toEqual(copied(file))
  })
})

describe("namedGatewayPackage", () => {
  it.each(["gateway.tgz", "./gateway.tgz", "file:gateway.tgz"])("finds the file %s", async (spec) => {
    const [here, project] = [await emptyFolder(), await emptyFolder()]
    const file = await emptyFile(join(project, "gateway.tgz"))
    expect(await resolveNamedPackage(spec, [here, project])).toEqual(copied(file))
    const nearer = await emptyFile(join(here, "gateway.tgz"))
    expect(await resolveNamedPackage(spec, [here, project])).toEqual(copied(nearer))
  })

  it("names a folder, which npm links", async () => {
    const here = await emptyFolder()
    await mkdir(join(here, "clone"))
    expect(await resolveNamedPackage("./clone", [here])).toEqual({
      spec: `file:${join(here, "clone")}`,
      file: null,
    })
  })

  it.each(["^1.0.0", "next", "github:me/gateway", "me/gateway", "https://example.com/gateway.tgz"])(
    "repeats %s",
    async (spec) => {
      expect(await resolveNamedPackage(spec, [await emptyFolder()])).toEqual({ spec, file: null })
    },
  )
})
