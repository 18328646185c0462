import { afterAll, beforeAll, expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { type Call, type ContractClient, contractClient } from "../client.ts"
import { init } from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

const list = "GET /memory"
const remove = "DELETE /memory"

/** Registers tests of memories, on a gateway of their own. Returns the set of problems that they will have seen. */
export function testMemory(): ReadonlySet<string> {
  const problems = new Set<string>()
  const gateway = createAgent("You answer.", { ...sharedSecret, validApiKeys: ["key"], memory: true })
  let client: ContractClient
  const tokens = { ada: "", eve: "" }

  async function call(operation: string, options?: Call) {
    const answer = await client.call(operation, options)
    if (answer.code !== null) problems.add(`${answer.status} ${answer.code}`)
    return answer
  }

  beforeAll(async () => {
    client = await contractClient((await gateway.listen({ port: 0 })).url)
    for (const user of ["ada", "eve"] as const) {
      const { bodies } = await call(init, { body: { api_key: "key", user_id: user } })
      tokens[user] = String(bodies[0]?.session_token)
    }
    for (const { tenant, userId } of (await gateway.sessions.list()).items) {
      const memories = gateway.memory.of({ principal: { tenant, userId } })
      await memories.remember({ name: "Bruno", entityType: "pet", content: "A dog.", tags: ["family"] })
      await memories.remember({ name: "Bruno", content: "A friend." })
      await memories.remember({ name: "tea", content: "Without milk." })
    }
  })
  afterAll(() => gateway.close({ graceMs: 0 }))

  test("memories are listed in pages, found and deleted as documented", async () => {
    const token = tokens.ada
    const first = await call(`${list}?limit=2`, { token })
    expect(first).toMatchObject({ status: 200, bodies: [{ memories: [{ name: "Bruno" }, { name: "tea" }] }] })
    const next = encodeURIComponent(String(first.bodies[0]?.next))
    expect(await call(`${list}?after=${next}`, { token })).toMatchObject({
      bodies: [{ memories: [{ name: "Bruno", entity_type: "pet", tags: ["family"] }], next: null }],
    })
    for (const query of ["query=dogs+and+dog", "tag=family", "entity_type=pet"]) {
      expect(await call(`${list}?${query}`, { token })).toMatchObject({
        bodies: [{ memories: [{ content: "A dog." }], next: null }],
      })
    }
    expect(await call(`${remove}?name=Bruno&entity_type=pet`, { token })).toMatchObject({
      status: 200,
      bodies: [{ status: "ok", forgotten: 1 }],
    })
    expect(await call(`${remove}?name=Rex`, { token })).toMatchObject({
      status: 404,
      code: "memory_not_found",
    })
    expect(await call(remove, { token })).toMatchObject({ bodies: [{ forgotten: 2 }] })
    expect(await call(list, { token: tokens.eve })).toMatchObject({ bodies: [{ memories: { length: 3 } }] })
  })

  test.each([
    [422, "invalid_body", `${list}?limit=0`],
    [422, "invalid_body", `${list}?name=Bruno`],
    [422, "invalid_body", `${list}?tag=a&tag=b`],
    [422, "invalid_body", `${remove}?entity_type=pet`],
    [422, "invalid_body", `${remove}?nmae=Bruno`],
    [400, "invalid_cursor", `${list}?after=x`],
  ])("a query is refused with %i %s: %s", async (status, code, operation) => {
    expect(await call(operation, { token: tokens.eve })).toMatchObject({ status, code })
    expect(await call(list, { token: tokens.eve })).toMatchObject({ bodies: [{ memories: { length: 3 } }] })
  })

  test("both routes need a token, and no malformed user beside it", async () => {
    for (const operation of [list, remove]) {
      expect(await call(operation)).toMatchObject({ status: 401 })
      const malformed = { token: tokens.ada, headers: { "x-user-id": "a,b" } }
      expect(await call(operation, malformed)).toMatchObject({ status: 400, code: "invalid_user" })
    }
  })

  test("every answer that one client can cause was seen", () => {
    // Only a gateway of several agents has a session whose agent has no memory.
    const expected = client.contract.documented.filter(
      (answer) => /\/memory (200|400|401|404|422)$/.test(answer) && answer !== "GET /memory 404",
    )
    expect(expected).toHaveLength(9)
    expect([...client.answered]).toEqual(expect.arrayContaining(expected))
  })

  return problems
}
