import type { Context } from "hono"
import { findExternalIdProblem } from "../core/external-id.ts"
import type { Session } from "../core/ports/store/session-log.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { Caller } from "./auth/caller.ts"
import { type ChooseSession, createAgentNotFound, requireServed, requireUnrevoked } from "./choose-session.ts"
import type { HttpEnv } from "./http-env.ts"
import type { RateLimiting } from "./limits/rate-limits.ts"
import { createInvalidBody, createSessionNotFound, Problem } from "./problem.ts"
import type { ServedAgents } from "./served-agents.ts"

export interface ConversationChoice {
  /** The client's own id of the conversation, or the id of a session. Default: a new session. */
  readonly id?: string | undefined
  /** Default: the agent of the session, or otherwise the default agent. */
  readonly agent?: string | undefined
}

/** The sessions of callers, by the ids that their protocols use. Both reject with problems. */
export interface Conversations {
  /** Resolves to the conversation of the caller, which is created if it does not exist. */
  open(c: Context<HttpEnv>, choice: ConversationChoice): Promise<Session>
  /** Resolves to an existing conversation of the caller. */
  find(c: Context<HttpEnv>, choice: ConversationChoice): Promise<Session>
}

export interface ConversationsOptions {
  readonly sessions: Sessions
  readonly agents: ServedAgents
  readonly choose: ChooseSession
  readonly init: RateLimiting["init"]
}

export function createConversations({ sessions, agents, choose, init }: ConversationsOptions): Conversations {
  return {
    async open(c, choice) {
      const found = await findExisting(c, choice)
      if (found !== null) return keep(c, found)
      const caller = c.get("caller")
      await init.created(c, caller)
      const agent = chooseAgent(caller, choice)
      return keep(c, await choose(caller.principal, { agent, externalId: choice.id }))
    },
    async find(c, choice) {
      const found = await findExisting(c, choice)
      if (found === null) throw createSessionNotFound(404)
      return keep(c, found)
    },
  }

  /** Resolves to null if the caller has no such conversation, but may create it. */
  async function findExisting(c: Context<HttpEnv>, choice: ConversationChoice): Promise<Session | null> {
    const caller = c.get("caller")
    const { id } = choice
    if (caller.session !== null) return requireSame(caller.session, choice)
    const agent = chooseAgent(caller, choice)
    requireServed(agents, agent)
    if (id === undefined) return null
    if (id.startsWith("sess_")) return choose(caller.principal, { agent, sessionId: id })
    const problem = findExternalIdProblem(id)
    if (problem !== null)
      throw createInvalidBody([{ path: "", message: `The id of the conversation ${problem}` }])
    const session = await sessions.find(caller.principal, agent ?? agents.defaultName, id)
    return session === null ? null : requireUnrevoked(session)
  }
}

/** Passes the session on to the parts that serve the rest of the request. */
function keep(c: Context<HttpEnv>, session: Session): Session {
  c.set("session", session)
  return session
}

/** Another agent than that of a token is missing for its user, whether or not it is served. */
function chooseAgent({ agent: own }: Caller, { agent }: ConversationChoice): string | undefined {
  if (own === null || agent === undefined || agent === own) return agent ?? own ?? undefined
  throw createAgentNotFound()
}

/** A token names its session, so any other id is a mistake, whether or not it exists. */
function requireSame(session: NonNullable<Caller["session"]>, { id, agent }: ConversationChoice): Session {
  const isNamed = id === undefined || id === session.id || id === session.externalId
  if (isNamed && (agent === undefined || agent === session.agent)) return session
  throw new Problem(
    { code: "session_mismatch", status: 409 },
    "The request names another session than its token. Use the session's id or external id, or leave the id out.",
  )
}
