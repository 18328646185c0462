import { afterAll, expect, test } from "vitest"
import { startContract } from "../contract/contract-under-test.ts"
import { documentedEvents, documentedProblems, mentions } from "../contract/reference-page.ts"
import { testAccess } from "../contract/topics/access.ts"
import { testConversations } from "../contract/topics/conversations.ts"
import { testLimits } from "../contract/topics/limits.ts"
import { testMemory } from "../contract/topics/memory.ts"
import { testOutages } from "../contract/topics/outages.ts"
import { testQueuedMessages } from "../contract/topics/queued-messages.ts"
import { testRefusals } from "../contract/topics/refusals.ts"
import { testSchedules } from "../contract/topics/schedules.ts"
import { testTasks } from "../contract/topics/tasks.ts"
import { testWaits } from "../contract/topics/waits.ts"

const underTest = await startContract()
const { close, contract, document, answered, problems } = underTest

afterAll(close)

testConversations(underTest)
testQueuedMessages(underTest)
testWaits(underTest)
testTasks(underTest)
testRefusals(underTest)
testAccess(underTest)
testLimits(underTest)
testOutages(underTest)
testSchedules()
const memoryProblems = testMemory()

// This test checks the results of all tests above.

test("every documented response of every route was seen", () => {
  // These routes cannot fail.
  const unprovoked = ["GET /health 500", "GET /ready 500", "GET /openapi.json 500"]
  // These responses require an authorization server. test/mcp/oauth.test.ts covers them.
  unprovoked.push("GET /mcp/oauth/callback 200", "POST /mcp/oauth/callback 200")
  expect([...answered, ...unprovoked].sort()).toEqual([...contract.documented].sort())
})

test("docs/http-api.md lists the problems that were seen, with their status", () => {
  const seen = new Set([...problems, ...consoleProblems, ...memoryProblems, ...problemsElsewhere])
  expect([...seen].sort()).toEqual([...documentedProblems()].sort())
})

test("docs/http-api.md lists the routes and events of the OpenAPI document, field by field", () => {
  for (const route of contract.documented) expect(mentions(route.replace(/ \d+$/, ""))).toBe(true)
  const events = document.components.schemas.ChatEvent?.oneOf as unknown as readonly EventSchema[]
  const fields = events.map(({ properties: { type, ...rest }, required }) => {
    // Below the table, the page says once that every event may have this field.
    const own = Object.keys(rest).filter((name) => name !== "sub_agent_id" || required.includes(name))
    return [type.enum[0], own.sort()]
  })
  expect(events.every(({ properties }) => "sub_agent_id" in properties)).toBe(true)
  expect(mentions("An event with `sub_agent_id`")).toBe(true)
  expect(documentedEvents()).toEqual(Object.fromEntries(fields))
})

/** Problems of the operators' console and of the operations, which are tested in test/console and test/credentials. */
const consoleProblems = [
  ...["401 operator_signed_out", "403 console_not_local", "403 console_request_refused"],
  ...[
    "403 scope_missing",
    "403 tenant_restricted",
    "404 attempt_not_found",
    "404 compaction_not_found",
    "409 no_key_needed",
    "503 console_not_built",
  ],
]

/**
 * Problems that other tests cover: between the registration of a task and its start, during a rolling upgrade, from a
 * route of a plugin, of requests that never reach a route, with thousands of waiting
 * schema checks, and on the paths of other protocols.
 */
const problemsElsewhere = [
  ...["503 task_not_started", "500 callback_timeout", "503 overloaded"],
  ...["403 wrong_user", "400 malformed_request", "408 request_timeout", "417 expectation_failed"],
  ...["422 image_not_usable", "429 too_many_downloads"],
  ...["403 key_required", "404 model_not_found", "400 no_user_message", "400 unsupported_parameter"],
  ...["404 previous_response_not_found", "400 previous_response_not_last", "400 missing_tool_output"],
  ...["422 regenerate_not_supported", "422 edit_not_supported", "409 session_mismatch"],
]

interface EventSchema {
  readonly properties: { readonly type: { readonly enum: readonly string[] } }
  readonly required: readonly string[]
}
