import { chromium, type Page } from "playwright-core"
import { onTestFinished } from "vitest"
import { chromiumProgram } from "../chromium-program.ts"
import { patienceMs } from "../patience.ts"

const flags = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
]

/** Opens an address in a new Chromium with an empty profile, which is closed at the end of the test. */
export async function openPage(url: string): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: chromiumProgram,
    chromiumSandbox: false,
    args: flags,
  })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(patienceMs)
  await page.goto(url)
  return page
}
