import { GatewayError } from "../core/errors.ts"
import { joinTexts } from "../core/history/messages.ts"
import type { Directory, DirectoryCursor, ListedSession } from "../core/ports/store/directory.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import { createRecentMap } from "../core/recent-cache.ts"
import type { Sessions } from "../sessions/sessions.ts"

export interface ListedConversation {
  readonly session: ListedSession
  /** Beginning of the first message. Null before the first message. */
  readonly title: string | null
}

export interface ConversationPage {
  readonly items: readonly ListedConversation[]
  readonly next: DirectoryCursor | null
}

const pageSize = 30
const maxTitle = 80
const maxTitles = 2_000

/** Lists the sessions of one principal as conversations, without those that other sessions started. */
export function createConversations(
  {
    sessions,
    directory,
    agents,
  }: {
    readonly sessions: Pick<Sessions, "history">
    readonly directory: Pick<Directory, "sessions">
    readonly agents: readonly string[]
  },
  principal: Principal,
) {
  const titles = createRecentMap<string>(maxTitles)

  return async (after: DirectoryCursor | null, signal: AbortSignal): Promise<ConversationPage> => {
    const place = after === null ? {} : { after }
    const { items, next } = await directory.sessions({ principal, agents, ...place, limit: pageSize })
    const shown = items.filter(({ parent, revokedAt }) => parent === null && revokedAt === null)
    const listed = await Promise.all(
      shown.map(async (session) => ({ session, title: await findTitle(session.id, signal) })),
    )
    return { items: listed, next }
  }

  async function findTitle(sessionId: string, signal: AbortSignal): Promise<string | null> {
    const known = titles.get(sessionId)
    if (known !== undefined) return known
    const title = await findFirstWords(sessionId, signal)
    if (title !== null) titles.set(sessionId, title)
    return title
  }

  /** Returns the first words of the user. Reads no further than that message. */
  async function findFirstWords(sessionId: string, signal: AbortSignal): Promise<string | null> {
    try {
      for await (const part of sessions.history(sessionId, { signal })) {
        if (part.type !== "messages") return null
        const message = part.messages.find(({ role }) => role === "user")
        if (message?.role === "user") return shorten(joinTexts(message.content))
      }
    } catch (error) {
      // The session was removed after it was listed.
      if (!(error instanceof GatewayError && error.code === "session_not_found")) throw error
    }
    return null
  }
}

function shorten(text: string): string {
  const line = text.trim().replace(/\s+/g, " ")
  if (line === "") return "Image"
  return line.length > maxTitle ? `${line.slice(0, maxTitle - 1)}…` : line
}
