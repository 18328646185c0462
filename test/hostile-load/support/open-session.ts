import { send } from "./send.ts"

export interface SessionAccess {
  readonly id: string
  readonly token: string
}

/** Opens a session. With `user`, the session belongs to that user. */
export async function openSession(url: string, apiKey: string, user?: string): Promise<SessionAccess> {
  let text = ""
  const { status } = await send({
    url: `${url}/api/chat/init`,
    method: "POST",
    body: Buffer.from(JSON.stringify({ api_key: apiKey, user_id: user })),
    onData: (chunk) => {
      text += chunk
    },
  })
  if (status !== 200) throw new Error(`/chat/init answered ${status}: ${text}`)
  const { session_id: id, session_token: token } = JSON.parse(text)
  return { id, token }
}
