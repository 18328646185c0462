import { toSafeAddress } from "../markdown/safe-address.ts"
import { EmptyState } from "./empty-state.tsx"
import type { ToolSource } from "./operator-types.ts"
import { PageHead, Pending } from "./page-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

const states: Readonly<Record<string, { readonly badge: string; readonly words: string }>> = {
  ready: { badge: "completed", words: "ready" },
  starting: { badge: "running", words: "starting" },
  failed: { badge: "failed", words: "does not work" },
  needs_reauth: { badge: "waiting", words: "needs authorization" },
  per_user: { badge: "queued", words: "one for each user" },
  stopped: { badge: "", words: "stopped" },
}

/** The MCP servers of all agents, their state, and the tools that each listed last. */
export function ToolSourcesView() {
  const { data, problem } = useLoaded<{ readonly items: readonly ToolSource[] }>("tool-sources")
  const sources = data?.items ?? []
  const hasSeveralAgents = new Set(sources.map(({ agent }) => agent)).size > 1
  return (
    <>
      <PageHead title="MCP servers" />
      {data === null && <Pending problem={problem} />}
      {data !== null && sources.length === 0 && (
        <EmptyState icon="server" title="No MCP servers yet">
          Add servers to the option <code>mcpServers</code>, or name their file in <code>mcpConfig</code>.
          They appear here with their state and their tools.
        </EmptyState>
      )}
      {sources.length > 0 && (
        <ul class="cards" aria-label="MCP servers">
          {sources.map((source) => (
            <li key={`${source.agent}/${source.name}`}>
              <Source source={source} showsAgent={hasSeveralAgents} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Source({ source, showsAgent }: { readonly source: ToolSource; readonly showsAgent: boolean }) {
  const { agent, name, transport, state, detail, tools } = source
  const { badge, words } = states[state] ?? { badge: "", words: state }
  return (
    <article class="card" aria-label={`Server ${name}`}>
      <header class="card-head">
        <h2>{name}</h2>
        <span class={`badge ${badge}`}>{words}</span>
        <span class="hint">{showsAgent ? `${transport}, agent ${agent}` : transport}</span>
      </header>
      {detail !== null && <Detail state={state} text={detail} />}
      {state === "per_user" && (
        <p class="hint">
          The gateway starts it when a user needs it. Its tools may differ from user to user.
        </p>
      )}
      {tools.length > 0 && (
        <details>
          <summary>{tools.length === 1 ? "1 tool" : `${tools.length} tools`}</summary>
          <dl class="tools">
            {tools.map((tool) => (
              <div key={tool.name}>
                <dt>
                  <code>{tool.name}</code>
                  {!tool.isEnabled && <span class="badge">disabled</span>}
                </dt>
                <dd>
                  {tool.description === "" ? <span class="hint">no description</span> : tool.description}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </article>
  )
}

function Detail({ state, text }: { readonly state: string; readonly text: string }) {
  const address = state === "needs_reauth" ? toSafeAddress(text) : null
  if (address === null) return <p class="plain-text field-error">{text}</p>
  return (
    <p>
      <a href={address} target="_blank" rel="noopener noreferrer">
        Authorize the gateway
      </a>
    </p>
  )
}
