import type { Directory, DirectoryCursor, ListedSession } from "../core/ports/store/directory.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { FindTitles } from "../operations/titles.ts"

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

/** Lists the sessions of one principal as conversations, without those that other sessions started. */
export function createConversations(
  {
    directory,
    agents,
    titles,
  }: {
    readonly directory: Pick<Directory, "sessions">
    readonly agents: readonly string[]
    readonly titles: FindTitles
  },
  principal: Principal,
) {
  return async (after: DirectoryCursor | null, signal: AbortSignal): Promise<ConversationPage> => {
    const place = after === null ? {} : { after }
    const { items, next } = await directory.sessions({ principal, agents, ...place, limit: pageSize })
    const shown = items.filter(({ parent, revokedAt }) => parent === null && revokedAt === null)
    const found = await titles(shown, signal)
    return { items: shown.map((session) => ({ session, title: found.get(session.id) ?? null })), next }
  }
}
