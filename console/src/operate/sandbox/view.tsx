import { formatDuration, mebibytesText, numberText } from "../../ui/format.ts"
import { Notice } from "../../ui/notice.tsx"
import { type Column, DataTable } from "../data-table.tsx"
import { EmptyState } from "../empty-state.tsx"
import type { SandboxBackend, SandboxLimit, SandboxState } from "../operator-types.ts"
import { Fact, PageHead, Pending } from "../page-parts.tsx"
import { useLoaded } from "../use-loaded.ts"
import { SandboxSessions } from "./sessions.tsx"

/** The sandboxes of all agents: backends, limits, executions, and the sessions that use them. */
export function SandboxView() {
  const { data, problem } = useLoaded<{ readonly items: readonly SandboxState[] }>("sandbox")
  const states = data?.items ?? []
  const isReady = states.every((state) => state.problem === null)
  return (
    <>
      <PageHead title="Sandbox">
        {states.length > 0 && (
          <span class={`badge ${isReady ? "completed" : "failed"}`}>{isReady ? "ready" : "not ready"}</span>
        )}
      </PageHead>
      {data === null && <Pending problem={problem} />}
      {data !== null && states.length === 0 && (
        <EmptyState icon="box" title="No agent runs code">
          With the option <code>codeExecution: true</code>, the model can run Python, JavaScript and shell
          code in a sandbox. Its state appears here. <code>agent-gateway doctor</code> reports what the
          machine lacks.
        </EmptyState>
      )}
      {states.map((state) => (
        <Summary key={state.agent} state={state} showsAgent={states.length > 1} />
      ))}
      {states.length > 0 && <SandboxSessions states={states} />}
      {states.map((state) => (
        <Details key={state.agent} state={state} suffix={states.length > 1 ? ` of ${state.agent}` : ""} />
      ))}
    </>
  )
}

interface SummaryProps {
  readonly state: SandboxState
  readonly showsAgent: boolean
}

function Summary({ state, showsAgent }: SummaryProps) {
  const { agent, backends, problem, network, executions, warmPool, disk } = state
  const inUse = backends.find((backend) => backend.state === "inUse")
  return (
    <>
      {showsAgent && <h2 class="agent-heading">Agent {agent}</h2>}
      {problem !== null && (
        <Notice tone="danger" title="Code does not run now">
          <p>{problem}</p>
          <p>The gateway itself works. Calls that run code fail until the backend responds again.</p>
        </Notice>
      )}
      {inUse?.sandboxed === false && (
        <Notice tone="warning" title="The code runs in no sandbox">
          <p>It can read files of this machine and reach its network, so a person must allow each call.</p>
        </Notice>
      )}
      {inUse?.sandboxed === true && network !== "none" && (
        <Notice tone="warning" title={`Code can reach the network “${network}”`}>
          <p>
            The option <code>codeExecution.network</code> allows this.
          </p>
        </Notice>
      )}
      <dl class="facts">
        <Fact name="Code runs in">{inUse?.name ?? "–"}</Fact>
        <Fact name="Running">
          {executions.running} of {executions.maxRunning}
        </Fact>
        <Fact name="Waiting">
          {executions.waiting} of {executions.maxWaiting}
        </Fact>
        {warmPool !== null && (
          <Fact name="Warm containers">
            {warmPool.size} of {warmPool.max}
          </Fact>
        )}
        <Fact name="Network">{network}</Fact>
        <Fact name="Working directories">{numberText(disk.directories)}</Fact>
        <Fact name="Free disk">
          {mebibytesText(disk.freeBytes)}, of which {mebibytesText(disk.reservedBytes)} stay free
        </Fact>
      </dl>
    </>
  )
}

interface DetailsProps {
  readonly state: SandboxState
  /** Names the agent if there are several, because each region needs its own name. */
  readonly suffix: string
}

function Details({ state: { limits, backends }, suffix }: DetailsProps) {
  return (
    <>
      <section class="block" aria-label={`Limits${suffix}`}>
        <h2>Limits{suffix}</h2>
        <DataTable
          label={`Table of limits${suffix}`}
          columns={limitColumns}
          rows={limits}
          keyOf={({ name }) => name}
        />
      </section>
      <section class="block" aria-label={`Backends${suffix}`}>
        <h2>Backends{suffix}</h2>
        <DataTable
          label={`Table of backends${suffix}`}
          columns={backendColumns}
          rows={backends}
          keyOf={({ name }) => name}
        />
      </section>
    </>
  )
}

const limitWords: Readonly<
  Record<SandboxLimit["name"], { readonly label: string; readonly show: (value: number) => string }>
> = {
  memory: { label: "Memory of an execution", show: mebibytesText },
  "processor time": { label: "Processors of an execution", show: String },
  processes: { label: "Processes of an execution", show: numberText },
  time: { label: "Time of an execution", show: formatDuration },
  disk: { label: "Disk of a session", show: mebibytesText },
  files: { label: "Files of a session", show: numberText },
}

const limitColumns: readonly Column<SandboxLimit>[] = [
  { title: "Limit", cell: ({ name }) => limitWords[name]?.label ?? name },
  {
    title: "Maximum",
    shape: "right",
    cell: ({ name, value }) => limitWords[name]?.show(value) ?? value,
  },
  {
    title: "Enforced",
    shape: "wide",
    cell: ({ gap }) => (
      <>
        <span class={`badge ${gap === null ? "completed" : "waiting"}`}>
          {gap === null ? "yes" : "not all"}
        </span>{" "}
        {gap}
      </>
    ),
  },
]

const backendWords: Readonly<
  Record<SandboxBackend["state"], { readonly badge: string; readonly words: string }>
> = {
  inUse: { badge: "completed", words: "in use" },
  usable: { badge: "", words: "works" },
  refused: { badge: "waiting", words: "refused" },
  unusable: { badge: "failed", words: "does not work" },
}

const backendColumns: readonly Column<SandboxBackend>[] = [
  { title: "Backend", cell: ({ name }) => name },
  {
    title: "State",
    cell: ({ state }) => (
      <span class={`badge ${backendWords[state]?.badge ?? ""}`}>{backendWords[state]?.words ?? state}</span>
    ),
  },
  { title: "Isolates code", cell: ({ sandboxed }) => (sandboxed ? "yes" : "no") },
  {
    title: "Languages",
    cell: ({ languages }) => (languages.length === 0 ? <span class="hint">–</span> : languages.join(", ")),
  },
  { title: "Details", shape: "wide", cell: ({ reason }) => reason },
]
