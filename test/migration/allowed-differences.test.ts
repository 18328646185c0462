import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { allowedDifferences, findOnPage, isCovered } from "../../scripts/original/allowed-differences.ts"
import { listDifferences } from "../../scripts/original/differences.ts"
import { normalizeRequests } from "../../scripts/original/requests.ts"
import type { UpstreamRequest } from "../../src/testing/provider/scripted-upstream.ts"

const page = readFileSync(join(import.meta.dirname, "../../docs/migration.md"), "utf8")

test.each(allowedDifferences)("docs/migration.md announces the difference $path: $page", ({ page: text }) => {
  expect(findOnPage(page, text)).not.toBeNull()
})

function requestOf(body: object): UpstreamRequest {
  const outcome = Promise.resolve("answered" as const)
  return { method: "POST", path: "/v1/messages", headers: {}, remotePort: 1, body, outcome }
}

test("requests that differ in random values and in forms of the same meaning are equal", () => {
  const original = requestOf({
    tools: [],
    messages: [
      { role: "user", content: "Hello." },
      { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", caller: null }] },
      { role: "user", content: [{ type: "tool_result", content: '{"task_id": "bg_0", "duration_ms": 3}' }] },
    ],
  })
  const text = '{"task_id":"task_0123456789","duration_ms":5}'
  const here = requestOf({
    messages: [
      { role: "user", content: [{ type: "text", text: "Hello." }] },
      { role: "assistant", content: [{ type: "tool_use", id: "toolu_1" }] },
      {
        role: "user",
        content: [{ type: "tool_result", is_error: false, content: [{ type: "text", text }] }],
      },
    ],
  })
  const [a, b] = [original, here].map((request) => normalizeRequests([request], { folder: "/tmp/folder" }))
  expect(listDifferences(a ?? {}, b ?? {})).toEqual([])
})

test("a difference is allowed only at its path, in its script and with its values", () => {
  const messages = [{ role: "user", content: "Do it." }]
  const [a, b] = [16_000, 3_000].map((max_tokens) =>
    normalizeRequests([requestOf({ max_tokens, messages }), requestOf({ max_tokens: 9, messages })], {
      folder: "/tmp/folder",
    }),
  )
  const [difference, ...others] = listDifferences(a ?? {}, b ?? {})
  if (difference === undefined) throw new Error("There is no difference.")
  expect(others).toEqual([])
  expect(difference).toEqual({
    path: "max_tokens",
    conversation: "agent",
    original: "16000",
    here: "3000",
    requests: [1],
  })
  const entry = { path: "max_tokens", page: "" }
  expect(isCovered(difference, "budget", entry)).toBe(true)
  expect(isCovered(difference, "budget", { ...entry, path: "model|max_tokens" })).toBe(true)
  expect(isCovered(difference, "plain", { ...entry, scripts: ["budget"] })).toBe(false)
  expect(isCovered(difference, "budget", { ...entry, path: "max_tokens.*" })).toBe(false)
  expect(isCovered(difference, "budget", { ...entry, here: "4000" })).toBe(false)
})
