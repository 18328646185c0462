export const init = "POST /chat/init"
/** The parameter is the name of the gateway's only agent. */
export const initAgent = "POST /agents/{name}/chat/init"
export const ofAgent = { params: { name: "agent" } }
export const chat = "POST /chat"
export const subscribe = "GET /chat/subscribe"
export const cancel = "POST /chat/cancel"
export const history = "GET /chat/history"
export const toolApproval = "POST /chat/tool-approval"
export const elicitation = "POST /chat/elicitation"
export const toolResult = "POST /chat/tool-result"
export const file = "GET /chat/files/{path}"
export const listGrants = "GET /chat/grants"
export const revokeGrant = "DELETE /chat/grants?tool_name=erase&qualifier=files"
export const revoke = "POST /chat/revoke"

export const waits = "GET /chat/waits"
export const listTasks = "GET /chat/tasks"
export const getTask = "GET /chat/tasks/{id}"
export const followTask = "GET /chat/tasks/{id}/subscribe"
export const messageTask = "POST /chat/tasks/{id}/messages"
export const cancelTask = "POST /chat/tasks/{id}/cancel"
export const listSessions = "GET /sessions"
export const showSession = "GET /sessions/{id}"

/** Routes with a rate limit for each session. */
export const limited = [
  chat,
  cancel,
  toolApproval,
  elicitation,
  toolResult,
  revokeGrant,
  messageTask,
  cancelTask,
  listSessions,
  showSession,
]
/** Routes that need a token. */
export const withSession = [
  ...limited,
  subscribe,
  history,
  waits,
  file,
  listGrants,
  revoke,
  listTasks,
  getTask,
  followTask,
]

export const hello = { message: "Hello" }
export const mcpCallback = "GET /mcp/oauth/callback"
export const mcpConfirmation = "POST /mcp/oauth/callback"
