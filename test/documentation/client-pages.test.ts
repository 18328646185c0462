import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, test } from "vitest"
import { codeBlocks } from "./markdown.ts"
import { checkAsPage, root } from "./type-check.ts"

const read = (path: string) => readFile(join(root, path), "utf8")
test("the code of the client's page compiles in a browser as shown, and so do the pages of the example and the template", async () => {
  const page = await read("docs/client.md")
  const blocks = (["ts", "tsx"] as const).flatMap((language) =>
    codeBlocks(page, language).map((code, index) => [`block-${index + 1}.${language}`, code] as const),
  )
  expect(blocks.length).toBeGreaterThan(4)
  const files = {
    ...Object.fromEntries(blocks),
    "example.tsx": await read("examples/18-react/page.tsx"),
    "template.tsx": await read("templates/react/web/page.tsx"),
  }
  expect(await checkAsPage(files)).toBe("")
})

interface Row {
  readonly subject: string
  readonly fields: readonly string[]
}

const rowPattern = /^\| ((?:every )?(?:part|wait)(?: `\w+`)?) \| ((?:`\w+`(?:, )?)+) \| .+ \|$/gm

/** Returns the fields in the table of a page, by the part or the wait. */
function readRows(page: string): readonly Row[] {
  return [...page.matchAll(rowPattern)].map(([, subject = "", cell = ""]) => ({
    subject,
    fields: [...cell.matchAll(/\w+/g)].map(([name]) => name),
  }))
}

test("the table of the client's page has every field of every part and wait", async () => {
  const rows = readRows(await read("docs/client.md"))
  const names = (kind: "part" | "wait") => [
    ...new Set(rows.flatMap(({ subject }) => new RegExp(`^${kind} \`(\\w+)\`$`).exec(subject)?.[1] ?? [])),
  ]
  const fieldsOf = (kind: "part" | "wait", name: string) =>
    rows
      .filter(({ subject }) => subject === `every ${kind}` || subject === `${kind} \`${name}\``)
      .flatMap(({ fields }) => fields)
  const union = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(" | ")
  const checks = [
    `const parts: Same<ViewPart["type"], ${union(names("part"))}> = true`,
    `const waits: Same<ViewWait["kind"], ${union(names("wait"))}> = true`,
    ...names("part").map(
      (name) => `const ${name}Part: Same<Keys<PartOf<"${name}">>, ${union(fieldsOf("part", name))}> = true`,
    ),
    ...names("wait").map(
      (name) =>
        `const ${name}Wait: Same<Keys<Extract<ViewWait, { kind: "${name}" }>>, ${union(fieldsOf("wait", name))}> = true`,
    ),
  ]
  const code = `
    import type { ViewPart, ViewWait } from "ai-agent-gateway/client/view"
    type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : { documented: B; actual: A }) : { documented: B; actual: A }
    type Keys<T> = T extends unknown ? keyof T : never
    type PartOf<Type> = ViewPart extends infer Part ? (Part extends { type: unknown } ? (Type extends Part["type"] ? Part : never) : never) : never
    ${checks.join("\n    ")}
  `
  expect(await checkAsPage({ "fields.ts": code })).toBe("")
})
