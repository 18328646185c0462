import { dirname } from "node:path"
import { findCycle } from "./cycles.ts"
import type { SourceFile } from "./source-file.ts"

export interface Architecture {
  /**
   * For each folder, the folders (or sub-folders) that it may import besides itself. `.` is the package's root, and
   * `X/*` every folder in X.
   */
  readonly folders: Readonly<Record<string, readonly string[]>>
  /** Folders whose parts count as folders of their own. */
  readonly divided: readonly string[]
  /** Folders that may import nothing from outside the source tree. */
  readonly pure: readonly string[]
  /** Packages that parts of pure folders may import as an exception. */
  readonly libraries: Readonly<Record<string, readonly string[]>>
  /** Folders and files that may read `process.env` and `process.argv`. */
  readonly readProcess: readonly string[]
  /** Files that may use `export *`. */
  readonly exportAll: readonly string[]
  readonly maxLines: number
}

/** Returns everything in the tree that breaks the architecture, one sentence each. */
export function violations(files: readonly SourceFile[], architecture: Architecture): readonly string[] {
  const sources = files.filter((file) => !isTest(file.path))
  return [
    ...files.flatMap((file) => ruleOfLength(file, architecture)),
    ...sources.flatMap((file) => [
      ...rulesOfImports(file, architecture),
      ...rulesOfExports(file, architecture),
      ...ruleOfProcess(file, architecture),
    ]),
    ...rulesOfCycles(sources, architecture),
  ]
}

/**
 * Returns true for tests and their fixtures. They are not part of the package, so they may import from any folder.
 */
function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || path.includes("/fixtures/")
}

function ruleOfLength({ path, lines }: SourceFile, { maxLines }: Architecture): readonly string[] {
  return lines > maxLines ? [`${path} has ${lines} lines; the most is ${maxLines}`] : []
}

function rulesOfImports(file: SourceFile, architecture: Architecture): readonly string[] {
  const { folders, divided, pure, libraries } = architecture
  const folder = folderOf(file.path, architecture)
  const row = divided.includes(dirname(folder)) ? `${dirname(folder)}/*` : folder
  const allowed = Object.hasOwn(folders, row) ? folders[row] : undefined
  if (allowed === undefined)
    return [`${file.path} is in ${folder}, a folder that the architecture does not know`]
  return file.imports.flatMap(({ target, relative }) => {
    const isPermittedLibrary = Object.entries(libraries).some(([part, packages]) => {
      return file.path.startsWith(`${part}/`) && packages.includes(target)
    })
    if (!relative)
      return pure.includes(folder) && !isPermittedLibrary
        ? [`${file.path} imports ${target}, but ${folder} imports nothing`]
        : []
    const permitted = [folder, ...allowed].some(
      (part) => part === folderOf(target, architecture) || target.startsWith(`${part}/`),
    )
    return permitted ? [] : [`${file.path} imports ${target}, but ${folder} may not`]
  })
}

function rulesOfExports(
  { path, hasDefaultExport, reexportsAll }: SourceFile,
  { exportAll }: Architecture,
): readonly string[] {
  return [
    ...(hasDefaultExport ? [`${path} has a default export`] : []),
    ...(reexportsAll && !exportAll.includes(path) ? [`${path} uses export *`] : []),
  ]
}

function ruleOfProcess({ path, readsProcess }: SourceFile, { readProcess }: Architecture): readonly string[] {
  const permitted = readProcess.some((part) => path === part || path.startsWith(`${part}/`))
  return readsProcess && !permitted ? [`${path} reads process.env or process.argv`] : []
}

/**
 * Finds cycles of imports. Between folders, imports of types count as well. Files of one folder may use each other's
 * types.
 */
function rulesOfCycles(files: readonly SourceFile[], architecture: Architecture): readonly string[] {
  const betweenFolders = new Map<string, Set<string>>()
  const betweenFiles = new Map<string, Set<string>>()
  for (const { path, imports } of files) {
    for (const { target, relative, typeOnly } of imports) {
      if (!relative) continue
      const [from, to] = [folderOf(path, architecture), folderOf(target, architecture)]
      if (from !== to) addEdge(betweenFolders, from, to)
      if (!typeOnly) addEdge(betweenFiles, path, target)
    }
  }
  return [findCycle(betweenFolders), findCycle(betweenFiles)]
    .filter((cycle) => cycle !== null)
    .map((cycle) => `import cycle: ${cycle.join(" → ")}`)
}

function addEdge(graph: Map<string, Set<string>>, from: string, to: string): void {
  const targets = graph.get(from)
  if (targets === undefined) graph.set(from, new Set([to]))
  else targets.add(to)
}

function folderOf(path: string, { divided }: Architecture): string {
  const [first, second, third] = path.split("/")
  if (first === undefined || second === undefined) return "."
  return divided.includes(first) && third !== undefined ? `${first}/${second}` : first
}
