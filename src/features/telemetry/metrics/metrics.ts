import type { Logger } from "../../../core/ports/logger.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { ToolSource } from "../../../core/ports/plugin.ts"
import type { StoreFigures } from "../../../core/ports/store/figures.ts"
import type { SandboxReports } from "../../../core/ports/tools/sandbox.ts"
import { measureProcess } from "./measure-process.ts"
import { measureStore } from "./measure-store.ts"
import { measureWork } from "./measure-work.ts"
import { createSeriesFactory } from "./series.ts"

export interface MetricsParts {
  /** Undefined if the store has no figures. */
  readonly readFigures: (() => Promise<StoreFigures>) | undefined
  readonly agents: readonly MeasuredAgent[]
  readonly logger: Logger
}

export interface MeasuredAgent {
  readonly name: string
  toolSources(): readonly ToolSource[]
  sandboxes(): readonly SandboxReports[]
}

export interface Metrics {
  readonly observer: Partial<Observer>
  /** Returns all series in Prometheus' text format. Concurrent calls share one reading. */
  read(): Promise<string>
  close(): void
}

/** Creates the series of this process. */
export async function createMetrics({ readFigures, agents, logger }: MetricsParts): Promise<Metrics> {
  const prom = await import("prom-client")
  const register = new prom.Registry()
  const factory = createSeriesFactory(prom, register)
  const closing = new AbortController()
  const ofProcess = measureProcess(factory)
  const readStore =
    readFigures === undefined ? null : measureStore(factory, readFigures, { logger, signal: closing.signal })
  const servers = factory.gauge("mcp_servers", "MCP servers by state.", ["agent", "kind"])
  const executions = factory.gauge("sandbox_executions", "Executions of code: running or waiting.", [
    ...(["agent", "kind"] as const),
  ])
  let reading: Promise<string> | null = null

  function readAgents(): void {
    servers.reset()
    for (const { name: agent, toolSources, sandboxes } of agents) {
      for (const { state } of toolSources()) servers.inc({ agent, kind: state })
      const sessions = sandboxes().flatMap((reports) => reports.sessions())
      const sum = (kind: "running" | "waiting") => sessions.reduce((total, each) => total + each[kind], 0)
      executions.set({ agent, kind: "running" }, sum("running"))
      executions.set({ agent, kind: "waiting" }, sum("waiting"))
    }
  }

  return {
    observer: measureWork(
      factory,
      agents.map(({ name }) => name),
    ),
    read() {
      reading ??= (async () => {
        ofProcess.read()
        readAgents()
        await readStore?.()
        return register.metrics()
      })().finally(() => {
        reading = null
      })
      return reading
    },
    close() {
      closing.abort()
      ofProcess.close()
    },
  }
}
