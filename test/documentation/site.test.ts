import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join, posix, resolve } from "node:path"
import { promisify } from "node:util"
import { beforeAll, expect, test } from "vitest"

const root = resolve(import.meta.dirname, "../..")
const dist = join(root, "site/dist")

/** The HTML of each page of the site by its path, such as `docs/memory.html`. */
const pages = new Map<string, string>()

beforeAll(async () => {
  await promisify(execFile)("npm", ["run", "docs:build"], { cwd: root })
  for (const path of globSync("**/*.html", { cwd: dist })) {
    pages.set(path, readFileSync(join(dist, path), "utf8"))
  }
}, 300_000)

test("the site has every page of docs/", () => {
  const expected = globSync("docs/**/*.md", { cwd: root }).map((path) => path.replace(/\.md$/, ".html"))
  expect(expected.filter((path) => !pages.has(path))).toEqual([])
})

test("every link of the site leads to a page and to a heading", () => {
  const ids = new Map([...pages].map(([path, html]) => [path, new Set(values(html, "id"))]))
  const broken = [...pages].flatMap(([path, html]) =>
    (html.match(/<a\b[^>]*>/g) ?? [])
      .flatMap((tag) => values(tag, "href"))
      .filter((href) => !/^[a-z]+:/.test(href))
      .map(decodeURIComponent)
      .filter((href) => {
        const [target = "", anchor] = href.split("#")
        const page = target === "" ? path : pageOf(posix.join("/", posix.dirname(path), target), target)
        return !ids.has(page) || (anchor !== undefined && anchor !== "" && !ids.get(page)?.has(anchor))
      })
      .map((href) => `${path}: ${href}`),
  )
  expect(broken).toEqual([])
})

test("the pages load nothing from other servers", () => {
  const loaded = [...pages].flatMap(([path, html]) => {
    const tags = html.match(/<(script|link|img|iframe|source)\b[^>]*>/g) ?? []
    return tags.filter((tag) => /(src|href)="(https?:)?\/\//.test(tag)).map((tag) => `${path}: ${tag}`)
  })
  expect(loaded).toEqual([])
})

/** Returns the path of the file that a server returns for a link. */
function pageOf(fromPage: string, target: string): string {
  const path = target.startsWith("/") ? target : fromPage
  return path === "/" ? "index.html" : path.slice(1)
}

/** Returns the values of an attribute in a page. */
function values(html: string, attribute: string): string[] {
  return [...html.matchAll(new RegExp(` ${attribute}="([^"]*)"`, "g"))].map(([, value = ""]) => value)
}
