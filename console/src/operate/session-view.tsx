import type { Info } from "../api.ts"
import { consoleTenant } from "../operator-scopes.ts"
import { formatHref } from "../router.ts"
import { formatBytes, formatCost, formatRunError } from "../ui/format.ts"
import { EmptyState } from "./empty-state.tsx"
import { EventList } from "./event-list.tsx"
import type { EventEntry, KeptAttempt, SessionDetail } from "./operator-types.ts"
import { Age, Fact, More, PageHead, Pending, StateBadge } from "./page-parts.tsx"
import { RequestList } from "./request-list.tsx"
import { RunTimeline } from "./run-timeline.tsx"
import { formatSessionCost, SessionTable } from "./sessions-view.tsx"
import { useLoaded, usePages } from "./use-loaded.ts"

/** One session: its runs, the timeline of one of them, and every event of the log. */
export function SessionView({
  info,
  sessionId,
  runId,
}: {
  readonly info: Info
  readonly sessionId: string
  readonly runId: string | null
}) {
  const { data, problem } = useLoaded<SessionDetail>(`sessions/${encodeURIComponent(sessionId)}`)
  const isLive = data !== null && data.session.state !== "idle"
  const events = usePages<EventEntry>(
    `sessions/${encodeURIComponent(sessionId)}/events`,
    {},
    { isLive, grows: true },
  )
  // The gateway stores the last request after the run has ended.
  const attempts = usePages<KeptAttempt>(`sessions/${encodeURIComponent(sessionId)}/attempts`)
  const parent = { label: "Sessions", href: "#/sessions" }
  if (data === null) {
    return (
      <>
        <PageHead title="Session" parent={parent} />
        <Pending problem={problem} />
      </>
    )
  }
  const { session, runs, children, grants } = data
  const agent = info.agents.find(({ name }) => name === session.agent)
  const shownRun = runId ?? runs[0]?.id ?? null
  const requests = (attempts.items ?? []).filter(({ runId: ofRequest }) => ofRequest === shownRun)
  const ofRun = (events.items ?? []).filter((entry) => shownRun === null || entry.runId === shownRun)

  return (
    <>
      <PageHead
        title={session.title ?? (session.title === null ? "Session without a message" : session.id)}
        parent={parent}
      >
        <StateBadge state={session.revokedAt === null ? session.state : "revoked"} />
        {session.tenant === consoleTenant && session.parent === null && (
          <a class="button" href={formatHref(["chat", session.id])}>
            Open the conversation
          </a>
        )}
      </PageHead>
      <dl class="facts">
        <Fact name="Session">
          <span class="id">{session.id}</span>
        </Fact>
        <Fact name="Agent">{session.agent}</Fact>
        <Fact name="User">
          <a href={formatHref(["sessions"], { tenant: session.tenant, user: session.userId })}>
            {session.userId}
          </a>{" "}
          {agent !== undefined && agent.memory !== "off" && (
            <a
              class="quiet"
              href={formatHref(["memory"], {
                tenant: session.tenant,
                user: session.userId,
                agent: agent.memory === "own" ? agent.name : null,
              })}
            >
              Memory
            </a>
          )}
        </Fact>
        <Fact name="Tenant">
          <a href={formatHref(["sessions"], { tenant: session.tenant })}>{session.tenant}</a>
        </Fact>
        <Fact name="Cost">{formatSessionCost(session.spent)}</Fact>
        <Fact name="Started">
          <Age at={session.createdAt} />
        </Fact>
        <Fact name="Last used">
          <Age at={session.lastUsedAt} />
        </Fact>
        <Fact name="Size">{formatBytes(session.storedBytes)}</Fact>
        {session.parent !== null && (
          <Fact name="Started by">
            <a
              class="id"
              href={formatHref(["sessions", session.parent.sessionId], { run: session.parent.runId })}
            >
              {session.parent.sessionId}
            </a>
          </Fact>
        )}
        {grants !== undefined && grants.length > 0 && (
          <Fact name="Allowed for the session">
            {grants
              .map(({ toolName, qualifier }) => (qualifier === null ? toolName : `${toolName} ${qualifier}`))
              .join(", ")}
          </Fact>
        )}
      </dl>

      {runs.length === 0 ? (
        <EmptyState icon="list" title="No runs yet">
          The session has no message yet.
        </EmptyState>
      ) : (
        <section class="block" aria-label="Runs of the session">
          <h2>Runs</h2>
          <ul class="run-list">
            {runs.map((run) => (
              <li key={run.id}>
                <a
                  href={formatHref(["sessions", sessionId], { run: run.id })}
                  aria-current={run.id === shownRun}
                >
                  <span class="id">{run.id}</span>
                  <StateBadge state={run.state} />
                  <span class="hint">
                    <Age at={run.createdAt} />
                  </span>
                  {run.end !== null && <span class="hint">{formatCost(run.end.cost)}</span>}
                  {run.end?.error != null && <span class="field-error">{formatRunError(run.end.error)}</span>}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {children.length > 0 && (
        <section class="block" aria-label="Sessions of sub-agents">
          <h2>Sub-agents</h2>
          <SessionTable sessions={children} />
        </section>
      )}
      {shownRun !== null && (
        <section class="block" aria-label="Timeline">
          <h2>
            Timeline of <span class="id">{shownRun}</span>
          </h2>
          {events.items === null ? <Pending problem={events.problem} /> : <RunTimeline entries={ofRun} />}
        </section>
      )}
      {requests.length > 0 && (
        <section class="block" aria-label="Requests to models">
          <h2>Requests to models</h2>
          <RequestList sessionId={sessionId} attempts={requests} />
        </section>
      )}
      <section class="block" aria-label="Events">
        <h2>Events</h2>
        {events.items === null ? <Pending problem={events.problem} /> : <EventList entries={ofRun} />}
        <More more={events.more} />
      </section>
    </>
  )
}
