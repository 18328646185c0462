import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { UndeliverableError } from "../../src/core/errors.ts"
import type { Plugin } from "../../src/core/ports/plugin.ts"
import type { SandboxReports } from "../../src/core/ports/tools/sandbox.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { runPromtool, startPrometheus } from "./prometheus.ts"

const operatorKey = "an-operator-key-for-metrics"
const documents = join(import.meta.dirname, "../../docs/metrics")

const pay = tool({
  name: "pay",
  description: "Pays.",
  inputSchema: { type: "object" },
  needsApproval: ({ input }) => input.ask === true,
  execute: () => "paid",
})

const sandboxes: SandboxReports = {
  state: () => Promise.reject(new Error("Metrics do not ask the backend.")),
  sessions: () => [
    { session: { id: "s", tenant: "t", userId: "u" }, running: 2, waiting: 1, usage: null, isWarm: false },
  ],
}

/** Has a source of tools and a sandbox, and an item of the outbox at the end of each run. */
const parts: Plugin = {
  name: "parts",
  setup: () => ({
    provides: { sandboxes },
    toolSources: () => [{ name: "files", transport: "stdio", state: "ready", detail: null, tools: [] }],
    openRun: ({ message }) => ({
      itemsAtEnd: () => [{ id: "end", kind: "report", payload: JSON.stringify(message) }],
    }),
    outbox: {
      report: {
        deliver({ payload }) {
          if (String(payload).includes("undeliverable")) throw new UndeliverableError("No one is there.")
        },
      },
    },
  }),
}

/** Opens a gateway whose model does what the message says. */
function openGateway(): Gateway {
  const provider = scriptedProvider(({ messages }) => {
    const asked = JSON.stringify(messages.at(-1))
    const usage = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 3, cacheCreationInputTokens: 2 }
    if (asked.includes("fail")) return [{ type: "failure", code: "overloaded" }]
    if (asked.includes("ask me")) return [{ type: "toolCall", name: "pay", input: { ask: true } }]
    if (asked.includes("pay")) return [{ type: "toolCall", name: "pay" }]
    return [
      { type: "text", text: "Done." },
      { type: "end", usage },
    ]
  })
  const gateway = createAgent("Help.", {
    ...{ store: "memory", provider, tools: [pay], plugins: [parts], metricsPort: 0 },
    operatorKeys: [{ key: operatorKey, name: "prometheus", scopes: ["metrics"] }],
    prices: { "scripted-model": { input: 1, output: 2 } },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

async function scrape(gateway: Gateway): Promise<string> {
  const headers = { authorization: `Bearer ${operatorKey}` }
  const response = await gateway.fetch(new Request("http://gateway/api/metrics", { headers }))
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
  return response.text()
}

/** Leaves a run that waits, and work of each kind that has ended. */
async function work(gateway: Gateway): Promise<void> {
  await gateway.run("ask me", { park: true })
  await Promise.all(["Hi.", "pay", "fail"].map((message) => gateway.run(message)))
}

test("promtool accepts the metrics of a gateway under load", async () => {
  const gateway = openGateway()
  await work(gateway)
  const load = Promise.all(
    Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; n < 10; n += 1) await gateway.run(n % 3 === 0 ? "pay" : `Hi ${client}.`)
    }),
  )
  for (let n = 0; n < 4; n += 1) {
    expect(await runPromtool(["check", "metrics"], { input: await scrape(gateway) })).toEqual({
      ...{ code: 0, output: "" },
    })
  }
  await load
  const text = await scrape(gateway)
  expect(await runPromtool(["check", "metrics"], { input: text })).toEqual({ code: 0, output: "" })
  // 80 runs, and the one of each kind before.
  expect(text).toContain('agent_gateway_runs_ended_total{agent="agent",outcome="completed"} 82\n')
  expect(text).toContain('agent_gateway_runs_ended_total{agent="agent",outcome="failed"} 1\n')
  expect(text).not.toMatch(/sess_|run_[0-9A-Za-z]{8}|Hi 3/)
})

test("the alert rules are valid, and each alert fires for its series", async () => {
  const checked = await runPromtool(["check", "rules", join(documents, "alerts.yaml")])
  expect(checked).toMatchObject({ code: 0, output: expect.stringContaining("12 rules found") })
  expect(await runPromtool(["test", "rules", "alerts.test.yaml"])).toMatchObject({ code: 0 })
  expect(
    await runPromtool(["check", "config", "--syntax-only", join(documents, "prometheus.yaml")]),
  ).toMatchObject({
    code: 0,
  })
})

test("a real Prometheus answers every query of the dashboard, and an alert fires and resolves", async () => {
  const gateway = openGateway()
  await work(gateway)
  const { port } = await gateway.listen({ port: 0 })
  const prometheus = await startPrometheus(`
global: { scrape_interval: 1s, evaluation_interval: 1s }
scrape_configs:
  - job_name: ai-agent-gateway
    metrics_path: /api/metrics
    authorization: { credentials: ${operatorKey} }
    static_configs: [{ targets: ["127.0.0.1:${port}"] }]
rule_files: [${join(documents, "alerts.yaml")}]
`)
  const isFiring = async () => {
    const found = await prometheus.query('ALERTS{alertname="GatewayOutboxDead",alertstate="firing"}')
    return found.length > 0
  }
  await eventually("two scrapes", async () => {
    const [sample] = await prometheus.query("count_over_time(agent_gateway_store_up[10m])")
    return Number(sample?.value[1]) >= 2 ? true : null
  })

  // On a busy machine, a scrape may exceed its time limit. Until the next one, Prometheus has no current values.
  for (const query of dashboardQueries()) {
    await eventually(query, async () => ((await prometheus.query(query)).length > 0 ? true : null))
  }

  expect(await isFiring()).toBe(false)
  await gateway.run("undeliverable")
  await eventually("the alert", async () => ((await isFiring()) ? true : null))
  expect(await gateway.operate("outbox.drop", { allDead: true })).toEqual({ rows: 1 })
  await eventually("the end of the alert", async () => {
    const empty = await prometheus.query('max(agent_gateway_outbox_items{kind="dead"}) == 0')
    return empty.length > 0 && !(await isFiring()) ? true : null
  })
})

function dashboardQueries(): readonly string[] {
  const { panels } = JSON.parse(readFileSync(join(documents, "dashboard.json"), "utf8")) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
  }
  expect(panels.length).toBeGreaterThan(15)
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "10m").replaceAll("$agent", ".*")),
  )
}
