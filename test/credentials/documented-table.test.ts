import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { formatAccessTable } from "./access-table.ts"

test("docs/security.md has the table of access that the gateway enforces", () => {
  const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8")
  expect(page).toContain(formatAccessTable())
})
