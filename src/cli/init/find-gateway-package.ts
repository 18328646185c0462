import { access, readFile, realpath } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { isJsonObject } from "../../core/json/json.ts"

const packageName = "ai-agent-gateway"

export interface GatewayPackage {
  /** Version range or address by which npm installs the package in a new project. */
  readonly spec: string
  /** Command that must create the package first. Null if npm can install it now. */
  readonly makeWith: string | null
}

/**
 * Finds the package that a new project installs: the one that runs this command. The registry may not have it,
 * because it can come from a package file, from a URL or from a clone.
 */
export async function findGatewayPackage(folder: string, version: string): Promise<GatewayPackage> {
  const packageFolder = await realpath(folder)
  const modules = dirname(packageFolder)
  if (basename(modules) !== "node_modules") return packageOfClone(packageFolder, version)
  const address = await addressIn(dirname(modules))
  return { spec: address ?? `^${version}`, makeWith: null }
}

/** Returns the package that `npm pack` creates in a clone. */
async function packageOfClone(clone: string, version: string): Promise<GatewayPackage> {
  const file = join(clone, `${packageName}-${version}.tgz`)
  const isMade = await access(file).then(
    () => true,
    () => false,
  )
  const folder = /[^\w./-]/.test(clone) ? JSON.stringify(clone) : clone
  return { spec: `file:${file}`, makeWith: isMade ? null : `(cd ${folder} && npm pack)` }
}

/** Returns the address from which the package in the folder's `node_modules` was installed, if it is not a range. */
async function addressIn(folder: string): Promise<string | null> {
  const spec = await installedSpec(join(folder, "package.json"))
  if (spec === null || !/[:/]/.test(spec)) return null
  if (!spec.startsWith("file:")) return spec
  return `file:${resolve(folder, spec.slice("file:".length))}`
}

async function installedSpec(manifestPath: string): Promise<string | null> {
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
