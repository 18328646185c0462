import { existsSync } from "node:fs"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"

const typeScriptEndings = [".ts", ".mts", ".cts"]

/**
 * Returns a remedy after an import failed because Node runs TypeScript differently from a bundler. Empty for other
 * errors.
 */
export function importHint(error: Error): string {
  const { code, url, message } = error as NodeJS.ErrnoException & { readonly url?: string }
  switch (code) {
    case "ERR_MODULE_NOT_FOUND":
      return findMissingEnding(url) || findMissingPackage(message)
    case "ERR_UNSUPPORTED_DIR_IMPORT":
      return ". Node imports files, not folders: write the file, such as index.ts"
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
      return ". Node only removes types: write this without syntax that must be compiled, such as an object for an enum"
    default:
      return findModuleType(error) || findMissingExport(error)
  }
}

/** Finds the file that an import without the ending `.ts`, or with the ending of the compiled file, refers to. */
function findMissingEnding(url: string | undefined): string {
  if (url?.startsWith("file:") !== true) return ""
  const path = fileURLToPath(url)
  const ending = extname(path)
  const bare = /^\.[mc]?js$/.test(ending) ? path.slice(0, -ending.length) : path
  const found = typeScriptEndings.find((each) => existsSync(`${bare}${each}`))
  return found === undefined ? "" : `. Write the ending ${found} in the import`
}

function findMissingPackage(message: string): string {
  const [, name] = /^Cannot find package '([^']+)'/.exec(message) ?? []
  return name === undefined ? "" : `. Check the name, or install the package: npm install ${name}`
}

/** Recognizes the syntax of modules in a package with `"type": "commonjs"`, which `npm init` writes. */
function findModuleType({ name, message }: Error): string {
  const isRefused = /^(Cannot use import statement outside a module|Unexpected token 'export')/.test(message)
  if (name !== "SyntaxError" || !isRefused) return ""
  return '. Set "type": "module" in package.json (npm pkg set type=module), or rename the file so that it ends in .mts'
}

function findMissingExport({ name, message }: Error): string {
  const [, missing] = /does not provide an export named '([^']+)'/.exec(message) ?? []
  if (name !== "SyntaxError" || missing === undefined) return ""
  return `. Check the name. If ${missing} is a type, import it with "import type"`
}
