import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A line of a bundle, before the code of a module of `dist/`. */
const heading = /^\/\/ (dist\/\S+\.js)$/

/** Finds the modules from which `scripts/bundle-package.ts` made the files of `dist/`. */
export class BundleModules {
  readonly #bundles = new Map<string, readonly string[]>()

  /** Returns the path of the module that has this line, counted from 0. Null if the file is not a bundle. */
  find(url: string, line: number): string | null {
    if (!url.startsWith("file:") || !url.includes("/dist/") || url.includes("/node_modules/")) return null
    return this.#modulesOf(url)[line] ?? null
  }

  /** Returns the module of each line. */
  #modulesOf(url: string): readonly string[] {
    const known = this.#bundles.get(url)
    if (known !== undefined) return known
    let module = ""
    const modules = readFileSync(fileURLToPath(url), "utf8")
      .split("\n")
      .map((text) => {
        module = heading.exec(text)?.[1] ?? module
        return module
      })
    this.#bundles.set(url, modules)
    return modules
  }
}
