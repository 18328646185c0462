import { expect, it } from "vitest"
import { ConfigurationError } from "../../core/errors.ts"
import { loadSqlite } from "./load-sqlite.ts"

it("names the remedy on a Node without SQLite", () => {
  const load = () => loadSqlite(() => undefined)
  expect(load).toThrow(ConfigurationError)
  expect(load).toThrow(/needs Node 22\.18 or newer, and this is Node \d.+npm install --save-dev node@24/)
})

it("returns the SQLite of this Node", () => {
  expect(loadSqlite().DatabaseSync).toBeTypeOf("function")
})
