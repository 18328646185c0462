import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join, posix, resolve } from "node:path"
import { promisify } from "node:util"
import { beforeAll, expect, test } from "vitest"
import type { ApiDocument } from "../../scripts/http-api-pages/document.ts"
import { openApiDocument } from "../../scripts/openapi-document.ts"

const root = resolve(import.meta.dirname, "../..")
const dist = join(root, "site/dist")

/** The HTML of each page of the site by its path, such as `docs/memory.html`. */
const pages = new Map<string, string>()

beforeAll(async () => {
  await promisify(execFile)("npm", ["run", "docs:build"], { cwd: root })
  for (const path of globSync("**/*.html", { cwd: dist })) {
    pages.set(path, readFileSync(join(dist, path), "utf8"))
  }
}, 600_000)

test("the site has every page of docs/", () => {
  const expected = globSync("docs/**/*.md", { cwd: root }).map((path) => path.replace(/\.md$/, ".html"))
  expect(expected.filter((path) => !pages.has(path))).toEqual([])
})

test("the site has every route and every event of the OpenAPI document", async () => {
  const { paths, components } = (await openApiDocument()) as ApiDocument
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.slice("/api".length)}`),
  )
  const events = components.schemas.ChatEvent?.oneOf?.map((event) =>
    String(event.properties?.type?.enum?.[0]),
  )
  expect(routes.filter((route) => !headings("api/http").has(route))).toEqual([])
  expect(events?.length).toBeGreaterThan(20)
  expect(events?.filter((event) => !headings("api/http/events.html").has(event))).toEqual([])
})

test("the site has every value that the package exports", async () => {
  const modules = await Promise.all([
    import("../../src/index.ts"),
    import("../../src/client/index.ts"),
    import("../../src/client/view/index.ts"),
    import("../../src/client/react/use-agent.ts"),
  ])
  const shown = headings("api/library")
  const missing = modules.flatMap(Object.keys).filter((name) => !shown.has(name) && !shown.has(`${name}()`))
  expect(missing).toEqual([])
})

test("the table of options has each option with its default", () => {
  const row = />maxRetries\?<.*?<\/tr>/s.exec(pages.get("api/library/gateway.html") ?? "")?.[0]
  expect(row).toMatch(/number.*>3<.*Maximum number of retries/s)
})

test("the search finds routes and options", () => {
  const [index = ""] = globSync("assets/chunks/@localSearchIndexroot.*.js", { cwd: dist })
  const text = readFileSync(join(dist, index), "utf8")
  expect(text).toContain("/api/http/tasks.html#get-chattasks")
  expect(text).toContain("maxbudgetusd")
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

/** Returns the texts of the headings of all pages whose path has this beginning. */
function headings(beginning: string): ReadonlySet<string> {
  const found = [...pages]
    .filter(([path]) => path.startsWith(beginning))
    .flatMap(([, html]) => [...html.matchAll(/<h[23] id="[^"]*"[^>]*>(.*?) <a /gs)])
    .map(([, text = ""]) => text.replaceAll(/<[^>]*>/g, "").trim())
  return new Set(found)
}

/** Returns the path of the file that a server returns for a link. */
function pageOf(fromPage: string, target: string): string {
  const path = target.startsWith("/") ? target : fromPage
  return path === "/" ? "index.html" : path.slice(1)
}

/** Returns the values of an attribute in a page. */
function values(html: string, attribute: string): string[] {
  return [...html.matchAll(new RegExp(` ${attribute}="([^"]*)"`, "g"))].map(([, value = ""]) => value)
}
