import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress"

const root = resolve(import.meta.dirname, "../..")

/** The pages of the repository keep their paths, so that links between them work on the site and on GitHub. */
export default defineConfig({
  title: "ai-agent-gateway",
  description: "An HTTP server for AI agents",
  srcDir: "..",
  srcExclude: ["bench/**", "console/**", "templates/**", "test/**", "**/skills/**", "**/HEARTBEAT.md"],
  rewrites: { "README.md": "index.md", "site/api/:path*": "api/:path*" },
  outDir: "./dist",
  cacheDir: "./node_modules/.cache",
  appearance: true,
  lastUpdated: false,
  vite: { publicDir: false },
  // Braces in headings are parameters of routes, not attributes.
  markdown: { config: adaptLinks, anchor: { slugify: anchorOf }, attrs: { disable: true } },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Quickstart", link: "/docs/quickstart" },
      { text: "Reference", link: "/docs/reference" },
      { text: "HTTP API", link: "/docs/http-api" },
      { text: "Wires", link: "/docs/wires" },
    ],
    sidebar: [
      ...sidebarOf(readFileSync(join(root, "docs/README.md"), "utf8")),
      { text: "HTTP API by route", items: generatedPages("http"), collapsed: true },
      { text: "Library API by type", items: generatedPages("library"), collapsed: true },
    ],
  },
})

/** Returns the headings of the index of pages as groups, with the pages that they list. */
function sidebarOf(index: string): DefaultTheme.SidebarItem[] {
  return index
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [text = "", ...lines] = section.split("\n")
      const pages = lines.join("\n").matchAll(/\[([^\]]+)\]\(([^)]+)\.md\)/g)
      const items = [...pages].map(([, title = "", path = ""]) => ({
        text: title.replaceAll("`", ""),
        link: `/${join("docs", path)}`,
      }))
      return { text, items, collapsed: text === "Design decisions" }
    })
}

/** Returns the pages that are generated into a folder of `site/api`, as entries of the sidebar. */
function generatedPages(folder: string): DefaultTheme.SidebarItem[] {
  const pages = globSync("**/*.md", { cwd: join(root, "site/api", folder), exclude: ["README.md"] }).sort()
  return pages.map((page) => ({
    text: page.replace(/\.md$/, ""),
    link: `/api/${folder}/${page.replace(/\.md$/, "")}`,
  }))
}

/** Returns the anchor that GitHub gives to a heading, so that links to headings work on both. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-")
}

/**
 * Shows links to folders and source files as plain text, because the site contains only pages. Links to the README
 * lead to the first page.
 */
function adaptLinks(markdown: Parameters<NonNullable<MarkdownOptions["config"]>>[0]): void {
  markdown.core.ruler.push("adapt-links", ({ tokens, env }) => {
    const page = String(env.path)
    for (const { children } of tokens) {
      let isUnlinked = false
      for (const token of children ?? []) {
        if (token.type === "link_open") {
          const href = String(token.attrGet("href"))
          isUnlinked = isFile(href, page)
          if (resolve(dirname(page), href) === join(root, "README.md")) token.attrSet("href", "/index.md")
        }
        if (!isUnlinked || !/^link_(open|close)$/.test(token.type)) continue
        token.type = token.type.replace("link", "em")
        token.tag = "span"
        token.attrs = null
      }
    }
  })
}

function isFile(href: string, page: string): boolean {
  if (/^([a-z]+:|#)/.test(href) || /\.md(#|$)/.test(href)) return false
  return existsSync(resolve(dirname(page), href))
}
