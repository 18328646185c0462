/** Every refusal that a described route can return, as its status and code, with its meaning. */
export const refusals = {
  "400 malformed_json": "The body is not JSON, or not UTF-8.",
  "400 incomplete_body": "The body did not arrive completely.",
  "400 invalid_parameter": "A parameter that must be `true` or `false` has another value.",
  "400 invalid_cursor": "The cursor is not one that the gateway returned.",
  "400 invalid_idempotency_key": "The key does not have 1 to 255 visible ASCII characters.",
  "400 model_not_allowed":
    "`model` is not one of `allowedModels`. The detail names up to 20 of these models.",
  "400 authorization_failed": "The access was refused, or the link was used or has expired.",
  "401 invalid_token": "The header has no bearer token, or the token is not valid.",
  "401 token_expired": "The token has expired. Get a new one from POST /chat/init.",
  "401 token_revoked": "The tokens of the user were revoked. Get a new one from POST /chat/init.",
  "401 session_not_found": "The token's session no longer exists, or no process serves its agent.",
  "401 session_revoked": "The client or the operator ended the session.",
  "401 invalid_api_key": "The key is not one of `validApiKeys`.",
  "401 invalid_credentials":
    "The application's `authenticate`, or the check of operator keys, refused the credentials.",
  "403 origin_not_allowed":
    "A page of another site sent the request to a gateway that accepts any key, or with its user's credentials.",
  "400 invalid_user":
    "The header that names a user does not have one id of 1 to 256 visible ASCII characters.",
  "403 credential_not_accepted": "The credential is valid, and this path does not accept its kind.",
  "403 user_required": "The path belongs to a user, and the request names none.",
  "403 wrong_user": "The link was made for another user than the one that `authenticate` returned.",
  "403 wrong_nonce": "The nonce is not that of the wait.",
  "403 approval_by_operator": "Only an operator may allow or deny the call.",
  "403 users_unknown": "The gateway accepts any API key, so users are not known.",
  "403 scope_missing": "The operator key does not have the scope of the operation.",
  "403 tenant_restricted": "The operator key is for one tenant, and the operation concerns others too.",
  "403 client_tools_not_allowed": "The agent does not allow one of the declared tools.",
  "404 session_not_found": "There is no such session of this agent and user, or it was revoked.",
  "404 agent_not_found": "The gateway serves no agent of this name.",
  "404 not_found": "The session's agent does not have this route.",
  "404 no_active_run": "There is no run to cancel.",
  "404 run_not_found": "The session has no such run.",
  "404 wait_not_found": "The session has no such wait.",
  "404 grant_not_found": "The session has no such grant.",
  "404 file_not_found": "The session has no such file.",
  "404 sub_agent_not_found": "The session has no such sub-agent.",
  "404 task_not_found": "The session has no such background task.",
  "404 schedule_not_found": "There is no such schedule.",
  "404 compaction_not_found": "The session has no such summary.",
  "404 attempt_not_found":
    "The request of this model attempt is not kept, or was encrypted with another key.",
  "404 memory_not_found": "The user has no such memory.",
  "409 run_active": "A run of the session is open, or queued and due. Its id is in `run_id`.",
  "409 client_tool_name_taken": "The agent or another declared tool has this name.",
  "409 already_answered": "The wait was answered before. The first answer counts.",
  "409 session_revoked": "The session with this external id was revoked.",
  "409 user_mismatch": "The header names another user than the credential.",
  "409 memory_changed": "The memory has changed since it was read.",
  "409 schedule_exists": "The user has a schedule of this name.",
  "409 schedule_running": "A run of the schedule is open.",
  "409 sub_agent_session": "The session belongs to a sub-agent, so no tool can be called in it.",
  "409 task_ended": "The background task has ended.",
  "410 wait_expired": "The wait has expired, or its run has ended or is being canceled.",
  "413 body_too_large": "The body is larger than `limits` allows.",
  "413 session_too_large": "The session stores too much. Start a new session.",
  "413 principal_storage_exceeded": "All sessions of the user together store too much.",
  "415 unsupported_media_type": "The `content-type` is not `application/json`, or the body is compressed.",
  "421 host_not_allowed": "The request names a host that the gateway does not serve.",
  "431 headers_too_large": "The headers are larger than 16 KiB.",
  "422 invalid_body": "The body or a parameter is not valid. `errors` lists the reasons.",
  "422 nesting_too_deep": "The body nests deeper than `limits` allows.",
  "422 too_many_values": "The body has more JSON values than `limits` allows.",
  "422 system_message_not_allowed": "`messages` has a message of the role `system`.",
  "422 idempotency_key_reused": "The key was used with another body.",
  "422 invalid_client_tool": "The `input_schema` of a declared tool is not a usable JSON Schema.",
  "422 invalid_schedule": "The terms of the schedule cannot be used.",
  "422 call_not_supported": "The agent has a custom loop, which executes its tools itself.",
  "422 client_tool": "The client of a conversation executes the tool, so only a model can call it.",
  "422 invalid_answer": "The answer does not match the schema of the tool or of the form.",
  "429 rate_limited": "Too many requests. Retry after the delay in `retry-after`.",
  "429 too_many_schedules": "The user or the agent has too many schedules.",
  "429 queue_full": "The session has too many waiting messages. Retry when some of its runs have ended.",
  "429 too_many_viewers": "The session has too many open event streams. Close one of them, or retry later.",
  "429 too_many_history_reads": "The user reads too many histories at once. Retry later.",
  "500 internal_error": "An error in the server. The server's log has the details.",
  "503 store_unavailable": "The store is unavailable, and nothing was accepted. Retry later.",
  "503 log_too_new":
    "This process cannot read the session, because a newer version wrote to it. Retry later.",
  "503 upgrade_in_progress": "A process with an older version still runs. Retry when all are upgraded.",
  "503 server_busy": "Too many clients read sessions at once. Retry later.",
  "503 overloaded":
    "Too many schema checks wait, so the value was not validated, or too many calls of tools are open. Retry later.",
  "503 shutting_down": "The process accepts no new work. Retry later.",
  "503 authentication_unavailable": "The application's `authenticate` failed or took too long. Retry later.",
  "503 schedule_busy": "Another process changed the schedule meanwhile. Retry.",
  "503 task_not_started": "The background task is about to start. Retry later.",
} as const

export type Refusal = keyof typeof refusals

/** Refusals of routes that work on the store. */
export const ofStore = [
  ...["500 internal_error", "503 store_unavailable", "503 log_too_new", "503 server_busy"],
  "503 shutting_down",
] as const satisfies readonly Refusal[]

/** Refusals of routes that require a session token. */
export const ofToken = [
  ...["401 invalid_token", "401 token_expired", "401 session_not_found", "401 session_revoked"],
  "401 token_revoked",
  ...["401 invalid_api_key", "403 credential_not_accepted", "400 invalid_user", "409 user_mismatch"],
  ...["429 rate_limited", ...ofStore],
] as const satisfies readonly Refusal[]

/** Refusals of routes that belong to a user. */
export const ofUser = [
  ...ofToken,
  ...["400 invalid_user", "401 invalid_api_key", "401 invalid_credentials"],
  ...["403 user_required", "403 users_unknown", "409 user_mismatch", "503 authentication_unavailable"],
] as const satisfies readonly Refusal[]

/** Refusals of routes that read a JSON body. */
export const ofBody = [
  ...["400 malformed_json", "400 incomplete_body", "413 body_too_large", "415 unsupported_media_type"],
  ...["422 invalid_body", "422 nesting_too_deep", "422 too_many_values"],
] as const satisfies readonly Refusal[]

/** Refusals of routes that answer a wait. */
export const ofAnswer = [
  ...["403 wrong_nonce", "404 wait_not_found", "409 already_answered", "410 wait_expired"],
  ...["422 invalid_answer", "503 overloaded"],
] as const satisfies readonly Refusal[]

/** Refusals of a message. */
export const ofMessage = [
  ...[
    "400 invalid_idempotency_key",
    "400 model_not_allowed",
    "403 client_tools_not_allowed",
    "409 run_active",
  ],
  ...["409 client_tool_name_taken", "413 session_too_large", "413 principal_storage_exceeded"],
  ...[
    "422 system_message_not_allowed",
    "422 idempotency_key_reused",
    "422 invalid_client_tool",
    "429 queue_full",
    "503 overloaded",
  ],
] as const satisfies readonly Refusal[]

/** Refusals of credentials, and of the session that they ask for. */
export const ofCredentials = [
  ...["401 invalid_api_key", "401 invalid_credentials", "404 session_not_found", "404 agent_not_found"],
  "409 session_revoked",
  ...["429 rate_limited", "503 authentication_unavailable"],
] as const satisfies readonly Refusal[]

export function isRefusal(kind: string): kind is Refusal {
  return Object.hasOwn(refusals, kind)
}
