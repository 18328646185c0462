import { fileURLToPath } from "node:url"
import { type Browser, chromium } from "playwright-core"
import { readPageFiles } from "../src/console/page-files.ts"
import { chromiumProgram } from "../test/chromium-program.ts"
import { serveConsole } from "./serve-console.ts"

// Prints the size of the console, and how fast its first page and its first response are, from the built package: run
// `npm run build` first. Needs Debian's `chromium-headless-shell`. The model is the offline demo, so no network takes
// part.

const rounds = 9

interface Visit {
  /** Requests, and bytes of their responses as they are transferred, until the first message can be written. */
  readonly requests: number
  readonly bytes: number
  readonly paintMs: number
  /** Milliseconds from the start of the navigation until the first message can be written. */
  readonly readyMs: number
  /** Milliseconds from Enter to the first words of the response. */
  readonly responseMs: number
}

/** Runs in the page. */
const readTimings = `(() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  return {
    requests: entries.length,
    bytes: entries.reduce((sum, { transferSize }) => sum + transferSize, 0),
    paintMs: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    readyMs: performance.now(),
  }
})()` as unknown as () => Omit<Visit, "responseMs">

const gateway = await serveConsole("examples/01-minimal/agent.ts", {
  ANTHROPIC_API_KEY: "",
  OPENAI_API_KEY: "",
  OLLAMA_BASE_URL: "http://127.0.0.1:1/v1",
})
const browser = await chromium.launch({ executablePath: chromiumProgram, chromiumSandbox: false })
try {
  const visits: Visit[] = []
  for (let round = 0; round < rounds; round++) visits.push(await visit(browser, gateway.url))
  const median = (name: keyof Visit) => {
    const values = visits.map((each) => each[name]).toSorted((a, b) => a - b)
    return values[Math.floor(values.length / 2)] ?? 0
  }
  const files = [
    ...(await readPageFiles(fileURLToPath(new URL("../dist/console-page/", import.meta.url)))).values(),
  ]
  const whole = files.reduce((sum, { gzipped }) => sum + gzipped.byteLength, 0)
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`
  console.log(`| figure | median of ${rounds} visits with an empty cache |\n|---|--:|`)
  console.log(`| whole console, gzipped | ${kilobytes(whole)} in ${files.length} files |`)
  console.log(
    `| transferred for the first page | ${kilobytes(median("bytes"))} in ${median("requests")} requests |`,
  )
  console.log(`| first contentful paint | ${Math.round(median("paintMs"))} ms |`)
  console.log(`| time until a message can be written | ${Math.round(median("readyMs"))} ms |`)
  console.log(`| time from Enter to the first words of the demo | ${Math.round(median("responseMs"))} ms |`)
} finally {
  await browser.close()
  await gateway.close()
}

/** Opens the console in a profile of its own, and sends a message. */
async function visit(browser: Browser, address: string): Promise<Visit> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(address)
    const field = page.getByLabel("Message", { exact: true })
    await field.waitFor()
    const loaded = await page.evaluate(readTimings)
    await field.fill("Hello!")
    const sentAt = performance.now()
    await field.press("Enter")
    await page.locator("article.assistant .markdown").waitFor()
    return { ...loaded, responseMs: performance.now() - sentAt }
  } finally {
    await context.close()
  }
}
