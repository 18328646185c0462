import { readdir, readFile } from "node:fs/promises"
import { join, posix, sep } from "node:path"
import { parseSync, Visitor } from "oxc-parser"

/** The parts of a source file that the rules look at. */
export interface SourceFile {
  /** Relative to the source folder, with forward slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  readonly hasDefaultExport: boolean
  /** If true, it has an export of the form `export * from`, with or without a name. */
  readonly reexportsAll: boolean
  /** If true, it reads `process.env` or `process.argv`. */
  readonly readsProcess: boolean
}

export interface Import {
  /**
   * For a relative import, a path like `SourceFile.path`. Otherwise the specifier of a package or a Node built-in.
   */
  readonly target: string
  readonly relative: boolean
  /** If true, the import disappears when types are stripped. */
  readonly typeOnly: boolean
}

export async function readSourceTree(folder: string): Promise<readonly SourceFile[]> {
  const entries = await readdir(folder, { recursive: true })
  const paths = entries.filter((path) => path.endsWith(".ts")).map((path) => path.replaceAll(sep, "/"))
  return Promise.all(
    paths.toSorted().map(async (path) => parseSourceFile(path, await readFile(join(folder, path), "utf8"))),
  )
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const { module, program, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path} cannot be parsed: ${errors[0].message}`)
  const imports: Import[] = []
  const addImport = (specifier: string, typeOnly: boolean) => {
    const relative = specifier.startsWith(".")
    const target = relative ? posix.join(posix.dirname(path), specifier) : specifier
    imports.push({ target, relative, typeOnly })
  }
  for (const { moduleRequest, entries } of module.staticImports) {
    // `import "./x.ts"` has no entries and runs the module.
    addImport(moduleRequest.value, entries.length > 0 && entries.every((entry) => entry.isType))
  }
  const exports = module.staticExports.flatMap((statement) => statement.entries)
  for (const { moduleRequest, isType } of exports) {
    if (moduleRequest !== null) addImport(moduleRequest.value, isType)
  }
  let readsProcess = false
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === "Literal") addImport(String(source.value), false)
    },
    TSImportType({ source }) {
      addImport(String(source.value), true)
    },
    MemberExpression({ object, property }) {
      readsProcess ||=
        object.type === "Identifier" &&
        object.name === "process" &&
        property.type === "Identifier" &&
        ["env", "argv"].includes(property.name)
    },
  }).visit(program)
  return {
    path,
    lines: text.split("\n").length - 1,
    imports,
    hasDefaultExport: exports.some(
      ({ exportName }) => exportName.kind === "Default" || exportName.name === "default",
    ),
    reexportsAll: exports.some((entry) => ["All", "AllButDefault"].includes(entry.importName.kind)),
    readsProcess,
  }
}
