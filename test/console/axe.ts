import { createRequire } from "node:module"
import type { BrowserContextOptions, Page } from "playwright-core"

/** File of the library that checks a page. The test evaluates it in the page. */
export const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js")

interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

/** Resolves to all violations of WCAG 2.2 AA that a program can detect. */
export async function findings(page: Page): Promise<readonly string[]> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations)`
  const violations: readonly Finding[] = await page.evaluate(run)
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => `${id} (${impact}): ${html}`))
}

/** Expression for the pixels by which the page is wider than the window. */
export const overflow = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"

/** The windows in which each view is checked. */
export const windows: readonly (readonly [string, BrowserContextOptions])[] = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
]
