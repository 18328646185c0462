import { readFileSync } from "node:fs"
import { join } from "node:path"
import { RunAgentInputSchema } from "@ag-ui/core/schemas"
import { expect, test } from "vitest"
import { root } from "../documentation/type-check.ts"

const read = (path: string) => readFileSync(join(root, path), "utf8")

/** Returns the fields of an interface in the types of the OpenAI SDK. */
function fieldsOf(file: string, name: string): readonly string[] {
  const types = read(`node_modules/openai/resources/${file}`)
  const [, body = ""] = new RegExp(`^export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, "m").exec(types) ?? []
  return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(([, field = ""]) => field)
}

/** Returns the part of a page between two texts. */
function part(page: string, from: string, to: string): string {
  const text = read(`docs/${page}`)
  return text.slice(text.indexOf(from), text.indexOf(to))
}

test.each([
  {
    form: "Responses",
    fields: fieldsOf("responses/responses.d.ts", "ResponseCreateParamsBase"),
    table: part("openai.md", "| field of `POST /v1/responses`", "| field of `POST /v1/chat/completions`"),
  },
  {
    form: "Chat Completions",
    fields: fieldsOf("chat/completions/completions.d.ts", "ChatCompletionCreateParamsBase"),
    table: part("openai.md", "| field of `POST /v1/chat/completions`", "## Routes"),
  },
  {
    form: "AG-UI",
    fields: Object.keys(RunAgentInputSchema.shape),
    table: part("ag-ui.md", "## Fields of a request", "## Events"),
  },
])(
  "the page says what the gateway does with every field of $form that the package knows",
  ({ fields, table }) => {
    expect(fields.length).toBeGreaterThan(5)
    expect(fields.filter((field) => !new RegExp(`\`${field}[\`.]`).test(table))).toEqual([])
  },
)
