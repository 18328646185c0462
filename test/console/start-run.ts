import type { ServedConsole } from "./console-stage.ts"
import { rawRequest } from "./raw-request.ts"

export interface StartedRun {
  readonly sessionId: string
  readonly runId: string
}

/** Starts a run for a user of an API key, like another client. */
export async function startRun(
  { url }: Pick<ServedConsole, "url">,
  message: string,
  userId = "ada",
): Promise<StartedRun> {
  const init = await rawRequest(`${url}/api/chat/init`, {
    method: "POST",
    body: { api_key: "a-key-that-is-no-one-elses", user_id: userId },
  })
  const { session_token, session_id = "" } = JSON.parse(init.text) as Record<string, string>
  const response = await fetch(`${url}/api/chat`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${session_token}` },
    body: JSON.stringify({ message }),
  })
  await response.body?.cancel()
  return { sessionId: session_id, runId: response.headers.get("x-run-id") ?? "" }
}
