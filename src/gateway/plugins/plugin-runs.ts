import { ConfigurationError, GatewayError, ShuttingDownError } from "../../core/errors.ts"
import type { TerminalEvent } from "../../core/log/entries.ts"
import type {
  PluginDirectory,
  PluginRunResult,
  PluginRuns,
  PluginStartOptions,
} from "../../core/ports/plugin-runs.ts"
import type { Principal, Session } from "../../core/ports/store/session-log.ts"
import { isSamePrincipal, isTenantFor, toPrincipalOfPlugin } from "../../http/auth/principal.ts"
import { requireAccepted } from "../../kernel/sessions/answering/require-accepted.ts"
import { toGivenAnswer } from "../../kernel/sessions/answering/to-given-answer.ts"
import { isOfSubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import { createCodeDecider } from "../operate/waits.ts"
import { toChatEvent } from "../runs/follow-run.ts"
import { createRendering } from "../runs/render-events.ts"
import { localPrincipal, startRun } from "../runs/start-run.ts"
import type { LiveParts, LivePlace } from "./live-parts.ts"

interface PluginPlace {
  readonly plugin: string
  readonly agent: string
  readonly live: LivePlace
}

/** Creates the runs of one plugin of one agent. */
export function createPluginRuns({ plugin, agent, live }: PluginPlace): PluginRuns {
  const open = (principal: Principal): LiveParts => {
    requireKnown(plugin, principal)
    return live.take()
  }
  /** Resolves to the session. Rejects if it belongs to another agent or principal. */
  const findSession = async (sessionId: string, principal: Principal): Promise<Session> => {
    const session = await open(principal).sessions.session(sessionId)
    const isOwn =
      session?.agent === agent && session.revokedAt === null && isSamePrincipal(session, principal)
    if (session !== null && isOwn) return session
    throw new GatewayError(
      { code: "session_not_found", status: 404 },
      "The session does not exist, has expired, or belongs to another user or agent.",
    )
  }

  return {
    principalOf: (user) => toPrincipalOfPlugin(plugin, user),
    async start(message, { principal, ...options }: PluginStartOptions) {
      const { sessions, accepting } = open(principal)
      if (!accepting()) throw new ShuttingDownError()
      const parts = { sessions, agents: [agent], caller: "runs.start" }
      const { sessionId, runId, existed } = await startRun(parts, message, {
        ...options,
        agent,
        owner: principal,
      })
      return { sessionId, runId, existed }
    },
    async *follow({ sessionId, runId }, { principal, signal }) {
      await findSession(sessionId, principal)
      const { sessions, providerErrors } = live.take()
      const run = await sessions.run(sessionId, runId)
      if (run === null) throw createRunNotFound()
      const from = { afterSeq: run.cursor, runId, principal, throughLapse: true, signal }
      const rendered = createRendering(run.cursor, { providerErrors })
      let hasEnded = false
      for await (const batch of sessions.viewTree(sessionId, from)) {
        for (const [, frames] of rendered(batch)) {
          for (const event of frames.map(toChatEvent)) {
            hasEnded ||= !isOfSubAgent(batch) && (event.type === "stream_complete" || event.type === "error")
            yield event
          }
        }
      }
      if (hasEnded) return
      signal.throwIfAborted()
      throw new ShuttingDownError()
    },
    async result({ sessionId, runId }, { principal, signal }) {
      await findSession(sessionId, principal)
      const { sessions } = live.take()
      if ((await sessions.run(sessionId, runId)) === null) throw createRunNotFound()
      const { outcome, response, toolsUsed } = await sessions.result(sessionId, runId, { signal })
      return { sessionId, runId, ...describeOutcome(outcome), response, toolsUsed }
    },
    async cancel({ sessionId, runId }, { principal }) {
      await findSession(sessionId, principal)
      return (await live.take().sessions.cancel(sessionId, runId)).status === "accepted"
    },
    async waits(sessionId, { principal }) {
      await findSession(sessionId, principal)
      return live.take().sessions.openWaits({ sessionId })
    },
    async answer(wait, answer, { principal }) {
      await requireOwnTree(wait.sessionId, principal)
      const { sessionId, toolCallId, nonce } = wait
      const decidedBy = { ...createCodeDecider(principal.userId), credential: "plugin" } as const
      const given = toGivenAnswer(answer, { sessionId, toolCallId, nonce, decidedBy })
      requireAccepted(await live.take().sessions.answer(given))
    },
  }

  /** A wait may be that of a sub-agent, whose session has the same owner. */
  async function requireOwnTree(sessionId: string, principal: Principal): Promise<void> {
    const session = await open(principal).sessions.session(sessionId)
    await findSession(session?.rootId ?? sessionId, principal)
  }
}

/** Creates the list of sessions and runs of one agent. */
export function createPluginDirectory(agent: string, live: LivePlace): PluginDirectory {
  const agents = [agent]
  const ofAgent = <Listed extends { readonly agent: string }>(listed: Listed | null) =>
    listed?.agent === agent ? listed : null
  return {
    sessions: async (query) => live.take().directory.sessions({ ...query, agents }),
    session: async (sessionId) => ofAgent(await live.take().directory.session(sessionId)),
    runs: async (query) => live.take().directory.runs({ ...query, agents }),
    run: async (runId) => ofAgent(await live.take().directory.run(runId)),
  }
}

/** Prevents a plugin from naming a tenant that no principal of the gateway can have. */
function requireKnown(plugin: string, { tenant, userId }: Principal): void {
  if ((tenant === localPrincipal.tenant || isTenantFor(plugin, tenant)) && userId !== "") return
  throw new ConfigurationError(
    `The plugin ${plugin} acts for the user ${JSON.stringify(userId)} of the unknown tenant ` +
      `${JSON.stringify(tenant)}. ` +
      "Use the principal of a session or of a request, or `runs.principalOf({ userId, tenant })`.",
  )
}

function describeOutcome(
  end: TerminalEvent,
): Pick<PluginRunResult, "outcome" | "reason" | "error" | "usage" | "cost"> {
  const { usage, cost } = end
  if (end.type === "runCompleted")
    return { outcome: end.disposition, reason: end.reason, error: null, usage, cost }
  const { code, message } = end
  return { outcome: "failed", reason: null, error: { code, message }, usage, cost }
}

function createRunNotFound(): GatewayError {
  return new GatewayError({ code: "run_not_found", status: 404 }, "The session has no such run.")
}
