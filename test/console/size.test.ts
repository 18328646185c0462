import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { readPageFiles } from "../../src/console/page-files.ts"

test("the whole page is smaller than 80 kB gzipped, and loads nothing from other servers", async () => {
  const files = await readPageFiles(fileURLToPath(new URL("../../dist/console-page/", import.meta.url)))
  const sizes = [...files.values()].map(({ gzipped }) => gzipped.byteLength)
  expect(sizes.length).toBeGreaterThan(2)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(80 * 1024)

  const page = new TextDecoder().decode(files.get("index.html")?.body)
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = ""]) => address)
  expect(addresses.length).toBeGreaterThan(1)
  expect(addresses.filter((address) => !address.startsWith("./assets/"))).toEqual([])
  expect(page).not.toMatch(/<script(?![^>]*src=)/)
})
