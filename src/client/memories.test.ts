import { expect, it } from "vitest"
import { connect } from "./index.ts"

const json = (body: object, status = 200) => {
  const type = status === 200 ? "application/json" : "application/problem+json"
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } })
}

/** Returns a chat whose requests are recorded as `METHOD PATH` and answered by this function. */
function chatWith(answer: () => Response) {
  const requests: string[] = []
  const chat = connect({
    url: "http://gateway/api",
    token: async () => "token",
    retryDelayMs: 1,
    async fetch(input, init) {
      requests.push(`${init?.method} ${String(input).replace("http://gateway/api", "")}`)
      return answer()
    },
  })
  return { chat, requests }
}

it("requests memories with the given parameters", async () => {
  const page = { memories: [], next: null }
  const { chat, requests } = chatWith(() => json(page))
  expect(await chat.memories()).toEqual(page)
  await chat.memories({ query: "a & b", entityType: "pet", limit: 2 })
  expect(requests).toEqual(["GET /memory", "GET /memory?query=a+%26+b&entity_type=pet&limit=2"])
})

it("forgets one memory, or all with all: true", async () => {
  const { chat, requests } = chatWith(() => json({ status: "ok", forgotten: 2 }))
  expect(await chat.forget({ name: "a", entityType: "pet" })).toBe(2)
  await chat.forget({ all: true })
  expect(requests).toEqual(["DELETE /memory?name=a&entity_type=pet", "DELETE /memory"])
})

it("forgets nothing if there is no such memory, for example after a lost response", async () => {
  const problem = { status: 404, code: "memory_not_found", detail: "There is no such memory." }
  const { chat } = chatWith(() => json(problem, 404))
  expect(await chat.forget({ name: "a" })).toBe(0)
})

it.each([{}, { name: "" }, { name: undefined }, { all: false }])(
  "does not interpret %j as all memories",
  async (query) => {
    const { chat, requests } = chatWith(() => json({ status: "ok", forgotten: 2 }))
    await expect(chat.forget(query as never)).rejects.toThrow(TypeError)
    expect(requests).toEqual([])
  },
)
