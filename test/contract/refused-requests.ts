import type { Call } from "./client.ts"
import {
  cancel,
  cancelTask,
  chat,
  elicitation,
  followTask,
  getTask,
  hello,
  history,
  init,
  initAgent,
  listGrants,
  listSessions,
  mcpCallback,
  mcpConfirmation,
  messageTask,
  ofAgent,
  revokeGrant,
  showSession,
  subscribe,
  toolApproval,
  toolResult,
} from "./operations.ts"

const deep = `{"message":"a","context":${'{"a":'.repeat(9)}1${"}".repeat(9)}}`
const session = (id: string) => ({ body: { api_key: "key", session_id: id } })
const unknown = { tool_call_id: "call_none", nonce: "nonce_none" }
const plainText = { "content-type": "text/plain" }
const long = "a".repeat(600)
const declaring = (name: string, input_schema: object = { type: "object" }) => {
  return { body: { message: "Hello", tools: [{ name, description: "Does it.", input_schema }] } }
}
const unusableSchema = { type: "object", properties: { a: { type: "nothing" } } }

/**
 * Requests that are refused in every state of the session. Each is sent with a valid token to a gateway with small
 * limits.
 */
export const refusedRequests: readonly (readonly [expected: string, operation: string, options: Call])[] = [
  ["400 malformed_json", init, { body: "{" }],
  ["401 invalid_api_key", init, { body: { api_key: "other" } }],
  ["404 session_not_found", init, session("sess_none")],
  ["413 body_too_large", init, { body: { api_key: long } }],
  ["415 unsupported_media_type", init, { body: "{}", headers: plainText }],
  ["422 invalid_body", init, { body: { api_key: "" } }],
  ["422 invalid_body", init, session("not an id")],

  ["400 malformed_json", initAgent, { ...ofAgent, body: "{" }],
  ["401 invalid_api_key", initAgent, { ...ofAgent, body: { api_key: "other" } }],
  ["404 session_not_found", initAgent, { ...ofAgent, ...session("sess_none") }],
  ["404 agent_not_found", initAgent, { params: { name: "nobody" }, body: { api_key: "key" } }],
  ["413 body_too_large", initAgent, { ...ofAgent, body: { api_key: long } }],
  ["415 unsupported_media_type", initAgent, { ...ofAgent, body: "{}", headers: plainText }],
  ["422 invalid_body", initAgent, { ...ofAgent, body: { api_key: "" } }],

  ["400 invalid_cursor", `${listSessions}?after=1`, {}],
  ["422 invalid_body", `${listSessions}?limit=0`, {}],
  ["422 invalid_body", `${history}?limit=0`, {}],
  ["404 session_not_found", showSession, { params: { id: "sess_none" } }],

  ["400 malformed_json", chat, { body: '{"message":' }],
  ["400 model_not_allowed", chat, { body: { ...hello, model: "other" } }],
  ["403 client_tools_not_allowed", chat, declaring("forbidden")],
  ["409 client_tool_name_taken", chat, declaring("erase")],
  ["422 invalid_client_tool", chat, declaring("find", unusableSchema)],
  ["400 invalid_idempotency_key", chat, { body: hello, headers: { "idempotency-key": "a b" } }],
  ["413 body_too_large", chat, { body: { message: "a".repeat(2100) } }],
  ["415 unsupported_media_type", chat, { body: "Hello", headers: plainText }],
  ["415 unsupported_media_type", chat, { body: hello, headers: { "content-encoding": "gzip" } }],
  ["422 invalid_body", chat, { body: {} }],
  ["422 invalid_body", chat, { body: { ...hello, messages: [] } }],
  ["422 nesting_too_deep", chat, { body: deep }],
  ["422 too_many_values", chat, { body: { messages: Array(101).fill({}) } }],
  ["422 system_message_not_allowed", chat, { body: { messages: [{ role: "system", content: "Obey." }] } }],

  ["400 malformed_json", cancel, { body: "{" }],
  ["404 no_active_run", cancel, { body: { run_id: "run_none" } }],
  ["404 no_active_run", cancel, {}],
  ["413 body_too_large", cancel, { body: { run_id: long } }],
  ["415 unsupported_media_type", cancel, { body: "{}", headers: plainText }],
  ["422 invalid_body", cancel, { body: { run_id: 1 } }],

  ["400 invalid_parameter", `${subscribe}?tool_input_deltas=yes`, {}],
  ["400 invalid_cursor", `${subscribe}?after_seq=-1`, {}],
  ["400 invalid_cursor", subscribe, { headers: { "last-event-id": "x" } }],

  ["404 task_not_found", getTask, { params: { id: "task_none" } }],
  ["404 task_not_found", followTask, { params: { id: "task_none" } }],
  ["404 task_not_found", cancelTask, { params: { id: "task_none" } }],
  ["404 task_not_found", messageTask, { params: { id: "task_none" }, body: { message: "Hi" } }],
  ["400 malformed_json", messageTask, { params: { id: "task_none" }, body: "{" }],
  ["413 body_too_large", messageTask, { params: { id: "task_none" }, body: { message: long } }],
  [
    "415 unsupported_media_type",
    messageTask,
    { params: { id: "task_none" }, body: "{}", headers: plainText },
  ],
  ["422 invalid_body", messageTask, { params: { id: "task_none" }, body: { message: "" } }],

  ["400 malformed_json", toolApproval, { body: "{" }],
  ["404 wait_not_found", toolApproval, { body: { ...unknown, approved: true } }],
  ["413 body_too_large", toolApproval, { body: { ...unknown, approved: false, reason: long } }],
  ["415 unsupported_media_type", toolApproval, { body: "{}", headers: plainText }],
  ["422 invalid_body", toolApproval, { body: unknown }],

  ["400 malformed_json", elicitation, { body: "{" }],
  ["404 wait_not_found", elicitation, { body: { ...unknown, action: "decline" } }],
  ["413 body_too_large", elicitation, { body: { ...unknown, action: "accept", content: { long } } }],
  ["415 unsupported_media_type", elicitation, { body: "{}", headers: plainText }],
  ["422 invalid_body", elicitation, { body: { ...unknown, action: "yes" } }],

  ["400 malformed_json", toolResult, { body: "{" }],
  ["404 wait_not_found", toolResult, { body: { ...unknown, result: 1 } }],
  ["413 body_too_large", toolResult, { body: { ...unknown, result: long } }],
  ["415 unsupported_media_type", toolResult, { body: "{}", headers: plainText }],
  ["422 invalid_body", toolResult, { body: { ...unknown, result: 1, error: { code: "a", message: "" } } }],

  ["400 authorization_failed", `${mcpCallback}?state=unknown&code=code`, {}],
  ["400 authorization_failed", `${mcpConfirmation}?state=unknown&code=code`, {}],

  ["404 grant_not_found", revokeGrant, {}],
  ["422 invalid_body", listGrants.replace("GET", "DELETE"), {}],
]
