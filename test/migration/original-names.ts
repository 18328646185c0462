import { readFileSync } from "node:fs"

/** Parameters or fields by their name, with the default as Python code, or `required`. */
type Parameters = Readonly<Record<string, string>>

interface OriginalClass {
  readonly kind: "class"
  readonly fields: Parameters
  readonly methods: Readonly<Record<string, Parameters>>
}

interface OriginalFunction {
  readonly kind: "function"
  readonly parameters: Parameters
}

interface OriginalValue {
  readonly kind: "value"
}

/** The public names of the Python package, as `scripts/original/read-names.py` prints them. */
export interface OriginalNames {
  readonly exports: Readonly<Record<string, OriginalClass | OriginalFunction | OriginalValue>>
  readonly events: Readonly<Record<string, readonly string[]>>
  readonly requests: Readonly<Record<string, readonly string[]>>
  readonly routes: readonly string[]
  readonly environment: readonly string[]
  readonly errorCodes: readonly string[]
}

export const originalNames: OriginalNames = JSON.parse(
  readFileSync(new URL("./fixtures/original-names.json", import.meta.url), "utf8"),
)

/** An export as the page may write it: as one entry, or as a heading with an entry for each part. */
export interface ExportEntries {
  readonly name: string
  /** The whole export: its name, with its parameters or fields if it has some. */
  readonly signature: string
  /** The parameters or fields, each with its default. */
  readonly parts: readonly string[]
  readonly methods: readonly string[]
}

export const exportEntries: readonly ExportEntries[] = Object.entries(originalNames.exports).map(
  ([name, value]) => {
    const parameters =
      value.kind === "class" ? value.fields : value.kind === "function" ? value.parameters : {}
    const isCalled = value.kind === "function" || Object.keys(parameters).length > 0
    const methods = value.kind === "class" ? Object.entries(value.methods) : []
    return {
      name,
      signature: isCalled ? toSignature(name, parameters) : name,
      parts: toParts(parameters),
      methods: methods.map(([method, own]) => toSignature(method, own)),
    }
  },
)

function toSignature(name: string, parameters: Parameters): string {
  return `${name}(${toParts(parameters).join(", ")})`
}

function toParts(parameters: Parameters): readonly string[] {
  return Object.entries(parameters).map(([name, value]) => (value === "required" ? name : `${name}=${value}`))
}
