import { StatementSync } from "node:sqlite"
import pg from "pg"
import { afterEach, expect, test, vi } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { startPostgres } from "./support/postgres.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const onEnd = atEndOfFile()

afterEach(() => {
  vi.restoreAllMocks()
})

/** A statement with its values. */
interface Sent {
  readonly sql: string
  readonly values: readonly unknown[]
}

/**
 * Returns the transactions and the statements that name the session or its run. Other statements belong to the
 * background work of the process.
 */
function ofSession(sent: readonly Sent[], sessionId: string): readonly string[] {
  const isNamed = ({ values }: Sent) =>
    JSON.stringify(values, (_, value) => toText(value)).includes(sessionId)
  const isFrame = ({ sql }: Sent) => /^(BEGIN|COMMIT)/.test(sql)
  return sent.filter((each) => isFrame(each) || isNamed(each)).map(({ sql }) => sql)
}

function toText(value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value
}

function open(store: string): Gateway {
  const provider = scriptedProvider(() => [{ type: "text", text: "Hi" }])
  return createAgent("You greet.", { provider, store, logger: quiet, validApiKeys: ["key"] })
}

async function post(gateway: Gateway, path: string, body: object, token?: string): Promise<Response> {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }
  const request = new Request(`http://localhost/api${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  })
  const response = await gateway.fetch(request)
  expect(response.status).toBe(200)
  return response
}

async function newSession(gateway: Gateway): Promise<{ readonly id: string; readonly token: string }> {
  const response = await post(gateway, "/chat/init", { api_key: "key", user_id: "user" })
  const opened = (await response.json()) as { readonly session_id: string; readonly session_token: string }
  return { id: opened.session_id, token: opened.session_token }
}

/** Sends a message and reads the stream until the mark arrives. */
async function chat(gateway: Gateway, token: string, mark: string): Promise<void> {
  const { body } = await post(gateway, "/chat", { message: "Hello" }, token)
  let text = ""
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes(mark)) return
  }
  throw new Error(`The stream has no ${mark}: ${text}`)
}

test("a run of one token takes at most 28 statements on SQLite, including its transactions", async () => {
  const sent: Sent[] = []
  for (const name of ["run", "get", "all", "iterate"] as const) {
    const original = StatementSync.prototype[name] as (...values: unknown[]) => unknown
    vi.spyOn(StatementSync.prototype, name).mockImplementation(function (
      this: StatementSync,
      ...values: unknown[]
    ) {
      sent.push({ sql: this.sourceSQL.replace(/\s+/g, " "), values })
      return original.apply(this, values)
    } as never)
  }
  const gateway = open(await temporaryFolder(onEnd))
  // The first run of a user also reads the user's stored bytes.
  await chat(gateway, (await newSession(gateway)).token, "stream_complete")
  const { id, token } = await newSession(gateway)
  sent.length = 0
  await chat(gateway, token, "stream_complete")
  // The session is released after the end of the stream.
  await vi.waitUntil(() => sent.some(({ sql }) => sql.includes("owner = NULL")))
  await gateway.close()
  const statements = ofSession(sent, id)
  expect(statements.length, statements.join("\n")).toBeLessThanOrEqual(28)
})

test("at most 8 statements are sent to Postgres from the message to the first token", async () => {
  const postgres = await startPostgres(onEnd)
  const gateway = open(await postgres.createDatabase("statements"))
  await chat(gateway, (await newSession(gateway)).token, "stream_complete")
  const { id, token } = await newSession(gateway)
  const sent: Sent[] = []
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | { readonly text: string; readonly values?: readonly unknown[] }]
    const { text: sql, values = [] } = typeof query === "string" ? { text: query } : query
    sent.push({ sql, values })
    return original.apply(this, args)
  } as never)
  let statements: readonly string[] = []
  await chat(gateway, token, "Hi").finally(() => {
    statements = ofSession(sent, id)
  })
  await gateway.close()
  expect(statements.length, statements.join("\n")).toBeLessThanOrEqual(8)
})
