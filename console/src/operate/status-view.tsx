import { toSafeAddress } from "../markdown/safe-address.ts"
import type { Status } from "./operator-types.ts"
import { PageHead, Pending } from "./page-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

/** The parts that the gateway needs: the store, MCP servers, the sandbox. */
export function StatusView() {
  const { data, problem } = useLoaded<Status>("status")
  const checks = Object.entries(data?.checks ?? {})

  return (
    <>
      <PageHead title="Status">
        {data !== null && (
          <span class={`badge ${data.ready ? "completed" : "failed"}`}>
            {data.ready ? "ready" : "not ready"}
          </span>
        )}
      </PageHead>
      {data === null && <Pending problem={problem} />}
      <ul class="checks">
        {checks.map(([name, { ok, detail }]) => (
          <li key={name}>
            <span class="check-name">
              <CheckName name={name} />
            </span>
            <span class={`badge ${ok ? "completed" : "failed"}`}>{ok ? "works" : "does not work"}</span>
            <span class="hint">
              <Detail text={detail ?? ""} />
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

/** Views of checked plugins. */
const views: Readonly<Record<string, string>> = {
  code_execution: "sandbox",
  mcp: "mcp",
  memory: "memory",
  schedules: "schedules",
}

/** The name of a check, which links to the view of its plugin: `PLUGIN`, `PLUGIN:PART`, or `AGENT/PLUGIN:PART`. */
function CheckName({ name }: { readonly name: string }) {
  const [plugin = ""] = name.replace(/^[^:]*\//, "").split(":")
  const view = views[plugin]
  if (view === undefined) return <span>{name}</span>
  return <a href={`#/${view}`}>{name}</a>
}

/** Details of a check. The address in the text, at which a person authorizes an MCP server, becomes a link. */
function Detail({ text }: { readonly text: string }) {
  const at = text.search(/https?:\/\//)
  const address = at < 0 ? null : toSafeAddress(text.slice(at))
  if (address === null) return <>{text}</>
  return (
    <>
      {text.slice(0, at)}
      <a href={address} target="_blank" rel="noopener noreferrer">
        Authorize it
      </a>
    </>
  )
}
