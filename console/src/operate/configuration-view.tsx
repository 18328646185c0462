import { JsonView } from "../ui/json-view.tsx"
import { PageHead, Pending } from "./page-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

interface Configuration {
  readonly server: Readonly<Record<string, unknown>>
  readonly agents: Readonly<Record<string, unknown>>
}

/** The options of the gateway. Secrets are masked. */
export function ConfigurationView() {
  const { data, problem } = useLoaded<Configuration>("configuration")
  return (
    <>
      <PageHead title="Configuration" />
      {data === null && <Pending problem={problem} />}
      {data !== null && (
        <>
          <p class="hint">
            The options of the server and of each agent. An option that is not listed has its default. Secrets
            are masked.
          </p>
          <section class="block" aria-label="Server">
            <h2>Server</h2>
            <JsonView value={data.server} />
          </section>
          {Object.entries(data.agents).map(([name, options]) => (
            <section key={name} class="block" aria-label={`Agent ${name}`}>
              <h2>Agent {name}</h2>
              <JsonView value={options} />
            </section>
          ))}
        </>
      )}
    </>
  )
}
