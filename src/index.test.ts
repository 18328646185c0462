import { readFileSync } from "node:fs"
import { posix } from "node:path"
import { type Node, parseSync, Visitor } from "oxc-parser"
import { expect, test } from "vitest"

/** The file that declares a name, and the name in that file. */
interface Place {
  readonly file: string
  readonly name: string
}

interface Module {
  /** Names from other files of the source tree that the file imports or exports again. */
  readonly imports: ReadonlyMap<string, Place>
  readonly reexports: ReadonlyMap<string, Place>
  /** Files of which all names are exported again. */
  readonly topics: readonly string[]
  /** The types that each top-level declaration shows to its users. */
  readonly declarations: ReadonlyMap<
    string,
    { readonly exported: boolean; readonly types: readonly string[] }
  >
}

test("users of the package can name every type that its types are made of", () => {
  const exported = readModule("index.ts").topics.flatMap((topic) => [...readModule(topic).reexports.values()])
  const published = new Set(exported.map(keyOf))
  const missing = new Set<string>()
  const seen = new Set<string>()
  const queue = [...exported]
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    if (seen.has(keyOf(place))) continue
    seen.add(keyOf(place))
    const { declarations, imports } = readModule(place.file)
    const declaration = declarations.get(place.name)
    if (declaration === undefined) throw new Error(`${keyOf(place)} is not declared there.`)
    // A type that its module does not export can only be a part of an exported one.
    if (declaration.exported && !published.has(keyOf(place))) missing.add(keyOf(place))
    for (const name of declaration.types) {
      const next = declarations.has(name) ? { file: place.file, name } : imports.get(name)
      if (next !== undefined) queue.push(next)
    }
  }
  expect(seen.size).toBeGreaterThan(100)
  expect([...missing]).toEqual([])
})

function keyOf({ file, name }: Place): string {
  return `${file}: ${name}`
}

function readModule(file: string): Module {
  const { module, program } = parseSync(file, readFileSync(new URL(file, import.meta.url), "utf8"))
  const imports = new Map<string, Place>()
  const reexports = new Map<string, Place>()
  const topics: string[] = []
  const placeOf = (specifier: string, name: string | null, local: string): Place => {
    return { file: posix.join(posix.dirname(file), specifier), name: name ?? local }
  }
  for (const { moduleRequest, entries } of module.staticImports) {
    if (!moduleRequest.value.startsWith(".")) continue
    for (const { importName, localName } of entries)
      imports.set(localName.value, placeOf(moduleRequest.value, importName.name, localName.value))
  }
  for (const { moduleRequest, importName, exportName } of module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    if (moduleRequest === null) continue
    if (exportName.name === null) {
      topics.push(posix.join(posix.dirname(file), moduleRequest.value))
      continue
    }
    reexports.set(exportName.name, placeOf(moduleRequest.value, importName.name, exportName.name))
  }
  const declarations = new Map<string, { exported: boolean; types: string[] }>()
  const ranges: { readonly start: number; readonly end: number; readonly types: string[] }[] = []
  for (const statement of program.body) {
    const exported = statement.type === "ExportNamedDeclaration"
    const declared: Node | null = exported ? statement.declaration : statement
    // A constant is inside a declaration.
    const declaration: Node | null | undefined =
      declared?.type === "VariableDeclaration" ? declared.declarations[0] : declared
    if (declaration == null || !("id" in declaration) || declaration.id?.type !== "Identifier") continue
    const types: string[] = []
    declarations.set(declaration.id.name, { exported, types })
    // The body of a function is not visible to its users.
    const end = declaration.type === "FunctionDeclaration" ? declaration.body?.start : undefined
    ranges.push({ start: declaration.start, end: end ?? declaration.end, types })
  }
  const note = (node: Node) => {
    if (node.type !== "Identifier") return
    const range = ranges.find(({ start, end }) => start <= node.start && node.end <= end)
    range?.types.push(node.name)
  }
  new Visitor({
    TSTypeReference: ({ typeName }) => note(typeName),
    TSInterfaceHeritage: ({ expression }) => note(expression),
  }).visit(program)
  return { imports, reexports, topics, declarations }
}
