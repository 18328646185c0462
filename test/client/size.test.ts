import { gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { bundle } from "./bundle.ts"
import { repository } from "./support.ts"

test("the client is smaller than 6 kB gzipped", async () => {
  const code = await bundle(`${repository}src/client/index.ts`)
  expect(gzipSync(code).length).toBeLessThan(6_000)
})

test("the client imports nothing", async () => {
  const code = await bundle(`${repository}src/client/view/index.ts`)
  expect(code).not.toMatch(/\bfrom\s*"|\bimport\b/)
})
