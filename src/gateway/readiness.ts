import type { Audience } from "../core/ports/plugin.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import { hasDecoder } from "../kernel/tools/images/image-examiner.ts"
import type { Agent } from "./agent/agent.ts"
import { type PauseWatch, pausedDetail } from "./service/paused-store.ts"
import { type CheckedStore, checkStore } from "./store-check.ts"

export type Check = Readiness["checks"][string]

export interface ReadinessParts {
  readonly store: CheckedStore
  readonly pause: Pick<PauseWatch, "isPaused">
  readonly agents: readonly Agent[]
  readonly accepting: boolean
  /** The checks of keys, for operators. */
  readonly keys: Readonly<Record<string, Check>>
}

/**
 * Reports the state of the gateway's dependencies and its plugins. A gateway is ready if its store works, whatever
 * its plugins report. Anyone may ask over HTTP, so only the operator sees reasons that may quote a server's output.
 */
export async function checkReadiness(
  { store: checked, pause, agents, accepting, keys }: ReadinessParts,
  audience: Audience,
): Promise<Readiness> {
  const found = await checkStore(checked, audience)
  const store = found.ok && pause.isPaused ? { ok: false, detail: pausedDetail } : found
  const checks = await Promise.all(agents.map((agent) => runChecks(agent, audience, agents.length > 1)))
  const images = { ok: true, detail: hasDecoder() ? "decoded by sharp" : withoutDecoder }
  return {
    ready: accepting && store.ok,
    checks: { store, ...(audience.isOperator && { images, ...keys }), ...Object.fromEntries(checks.flat()) },
  }
}

const withoutDecoder =
  "only checked, because sharp is not installed; those that are too large are left out (npm install sharp)"

/** Returns the checks. If there are several agents, each check names its agent. */
async function runChecks(
  agent: Agent,
  audience: Audience,
  isOneOfSeveral: boolean,
): Promise<readonly (readonly [string, Check])[]> {
  const checks = Object.entries(await agent.checks(audience))
  return isOneOfSeveral ? checks.map(([name, check]) => [`${agent.name}/${name}`, check]) : checks
}
