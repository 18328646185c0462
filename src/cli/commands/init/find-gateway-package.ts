import { readFile, realpath, stat } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { isJsonObject } from "../../../core/json/json.ts"
import { CliError } from "../../cli-error.ts"

const packageName = "ai-agent-gateway"

/** The package that a new project installs. */
export interface GatewayPackage {
  /** Version range or address by which npm installs it in the project. */
  readonly spec: string
  /** Package file in the project's folder, which `spec` names. Null if npm gets the package from elsewhere. */
  readonly file: PackageFile | null
}

/** A package file, which is in the project so that `docker build` has it too. */
export interface PackageFile {
  readonly name: string
  /** `copy`: a file that exists. `pack`: `npm pack` creates it, in the folder of a clone. */
  readonly from:
    | { readonly type: "copy"; readonly path: string }
    | { readonly type: "pack"; readonly folder: string }
}

/**
 * Finds the package that a new project installs: the one that runs this command. The registry may not have it,
 * because it can come from a package file, from a URL or from a clone.
 */
export async function findGatewayPackage(folder: string, version: string): Promise<GatewayPackage> {
  const packageFolder = await realpath(folder)
  const modules = dirname(packageFolder)
  if (basename(modules) !== "node_modules") return findPackageOfClone(packageFolder, version)
  const project = dirname(modules)
  const spec = await readInstalledSpec(join(project, "package.json"))
  return spec === null || !/[:/]/.test(spec)
    ? { spec: `^${version}`, file: null }
    : resolveNamedPackage(spec, [project])
}

/**
 * Returns the package at an address or in a range. A path is relative to the first of the folders that has it. Throws
 * a `CliError` if there is no such file.
 */
export async function resolveNamedPackage(spec: string, folders: readonly string[]): Promise<GatewayPackage> {
  const path = findPath(spec)
  if (path === null) return { spec, file: null }
  for (const folder of folders) {
    const found = resolve(folder, path)
    const kind = await findKind(found)
    if (kind === "file") return createPackageFile(basename(found), { type: "copy", path: found })
    if (kind === "folder") return { spec: `file:${found}`, file: null }
  }
  throw new CliError(
    `the package ${resolve(folders[0] ?? ".", path)} does not exist. Nothing was written. ` +
      "Name an existing package with --gateway.",
  )
}

/** Returns the package that `npm pack` creates in a clone. */
async function findPackageOfClone(folder: string, version: string): Promise<GatewayPackage> {
  const name = `${packageName}-${version}.tgz`
  const path = join(folder, name)
  const isPacked = (await findKind(path)) === "file"
  return createPackageFile(name, isPacked ? { type: "copy", path } : { type: "pack", folder })
}

function createPackageFile(name: string, from: PackageFile["from"]): GatewayPackage {
  return { spec: `file:${name}`, file: { name, from } }
}

/** Returns the path in an address by npm's rules. Null for other addresses. */
function findPath(spec: string): string | null {
  if (spec.startsWith("file:")) return spec.slice("file:".length)
  const isPath = /^(\.{0,2}|[a-z]:)[\\/]/i.test(spec)
  return isPath || (/\.(tgz|tar\.gz|tar)$/i.test(spec) && !spec.includes(":")) ? spec : null
}

async function findKind(path: string): Promise<"file" | "folder" | null> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file"
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return null
    throw error
  }
}

async function readInstalledSpec(manifestPath: string): Promise<string | null> {
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(manifestPath, "utf8"))
  } catch {
    // Global installations and some package managers have no manifest there.
    return null
  }
  if (!isJsonObject(manifest)) return null
  for (const dependencies of [manifest.dependencies, manifest.devDependencies]) {
    const spec = isJsonObject(dependencies) ? dependencies[packageName] : undefined
    if (typeof spec === "string") return spec
  }
  return null
}
