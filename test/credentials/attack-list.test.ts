import { readdirSync, readFileSync } from "node:fs"
import { expect, test } from "vitest"

const root = new URL("../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

/** Attacks whose tests stand beside the feature that they attack: the file, and the name of the test. */
const elsewhere: Readonly<Record<number, readonly [string, string]>> = {
  24: ["test/plugins/webhooks.test.ts", "start a run and answer with its stream, once for each delivery"],
  25: ["test/mcp/oauth.test.ts", "stores the tokens of the user who requested the link, and of no other"],
}

const own = readdirSync(new URL("test/credentials/", root), { encoding: "utf8", recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => read(`test/credentials/${name}`))
  .join("\n")

/** The numbers at the beginning of the names of tests, such as "6 and 7. a user token". */
const numbered = [...own.matchAll(/"((?:\d+(?: and )?)+)\. /g)].flatMap(([, numbers = ""]) =>
  numbers.split(" and ").map(Number),
)

test.each(Array.from({ length: 25 }, (_, index) => index + 1))("attack %i has a test", (attack) => {
  const named = elsewhere[attack]
  if (named !== undefined) return expect(read(named[0])).toContain(`"${named[1]}"`)
  expect(numbered).toContain(attack)
})
