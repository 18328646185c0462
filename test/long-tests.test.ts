import { existsSync } from "node:fs"
import { expect, test } from "vitest"
import { filesOfTwoForms, longFiles } from "./long-tests.ts"

test("each long test has tests of npm test that cover its behavior, and all of them exist", () => {
  const files = [...Object.keys(longFiles), ...Object.values(longFiles).flat(), ...filesOfTwoForms]
  expect(files.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([])
  for (const [file, shortForms] of Object.entries(longFiles)) {
    expect(shortForms, file).not.toEqual([])
    expect(shortForms.filter((each) => each in longFiles)).toEqual([])
  }
})
