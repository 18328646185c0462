import { afterAll, describe, expect, test } from "vitest"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { postgresStore, sqliteStore } from "../../src/gateway/service/open-store.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { apiKey, bearer, issueTokens, openGateway, post, send } from "./clients.ts"

const ends: (() => unknown)[] = []
const postgres = await startPostgres((end) => ends.push(end))
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

const holdsForAda = { headers: { ...bearer(apiKey), "x-user-id": "ada" } }

describe.each(["SQLite", "Postgres"])("two nodes over %s", (kind) => {
  async function openNodes(): Promise<readonly [Gateway, Gateway]> {
    const place = kind === "Postgres" ? await createDatabase() : await temporaryFolder()
    const open = () =>
      openGateway({
        store: kind === "Postgres" ? postgresStore(place) : sqliteStore(place),
        provider: scriptedProvider(() => [{ type: "wait", until: new Promise(() => {}) }]),
      })
    return [open(), open()]
  }

  test("16. a user revoked on one node is refused on the other, where open streams end too", async () => {
    const [here, there] = await openNodes()
    const { sessionToken, userToken } = await issueTokens(here, "ada")
    const { userToken: eve } = await issueTokens(here, "eve")
    const { url } = await there.listen({ port: 0 })
    const stream = await fetch(`${url}/api/chat`, {
      method: "POST",
      headers: { ...bearer(sessionToken), "content-type": "application/json" },
      body: JSON.stringify({ message: "Hi." }),
    })
    expect(stream.status).toBe(200)
    const ended = readToEnd(stream).then((outcome) => ({ outcome, endedAt: performance.now() }))
    expect((await send(there, "/sessions", { headers: bearer(userToken) })).status).toBe(200)

    expect((await post(here, "/chat/revoke", holdsForAda)).status).toBe(200)
    const revokedAt = performance.now()
    for (const token of [userToken, sessionToken]) {
      const refused = await send(here, "/sessions", { headers: bearer(token) })
      expect(refused).toMatchObject({ status: 401, code: "token_revoked" })
    }
    await eventually("the refusal by the other node", async () => {
      const { code } = await send(there, "/sessions", { headers: bearer(userToken) })
      return code === "token_revoked" ? true : null
    })
    const refusedAt = performance.now()
    expect((await send(there, "/sessions", { headers: bearer(eve) })).status).toBe(200)
    const { outcome, endedAt } = await ended
    expect(outcome).toBe("interrupted")
    print(
      `${kind}: the other node refused the token after ${formatSeconds(refusedAt - revokedAt)} (at most 5 s)`,
    )
    print(`${kind}: its open stream ended after ${formatSeconds(endedAt - revokedAt)} (at most 20 s)`)

    const { userToken: next } = await issueTokens(there, "ada")
    expect((await send(here, "/sessions", { headers: bearer(next) })).status).toBe(200)
  })

  test("every node accepts the other's tokens, and none of another store's", async () => {
    const [here, there] = await openNodes()
    const [other] = await openNodes()
    const { userToken } = await issueTokens(here, "ada")
    expect((await send(there, "/sessions", { headers: bearer(userToken) })).status).toBe(200)
    expect((await send(other, "/sessions", { headers: bearer(userToken) })).status).toBe(401)
  })
})

let databases = 0

function createDatabase(): Promise<string> {
  databases += 1
  return postgres.createDatabase(`credentials_${databases}`)
}

/** Prints a figure. A slow machine is late, so no test depends on it. */
function print(line: string): void {
  process.stdout.write(`Revocation on two nodes over ${line}.\n`)
}

function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

async function readToEnd(response: Response): Promise<"complete" | "interrupted"> {
  try {
    await response.text()
    return "complete"
  } catch {
    return "interrupted"
  }
}
