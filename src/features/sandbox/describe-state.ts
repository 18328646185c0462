import type { SandboxSession } from "../../core/ports/tools/sandbox.ts"
import type {
  BackendState,
  SandboxLimit,
  SandboxState,
  SessionSandbox,
} from "../../core/ports/tools/sandbox-state.ts"
import type { UnheldLimit } from "./backend.ts"
import type { CompleteSandboxConfig } from "./config.ts"
import type { HeldUsage } from "./disk/holdings.ts"
import { computeDiskQuota, megabyte, uncountedMemory } from "./limits.ts"
import type { Finding, Usable } from "./trial/try-out.ts"

/** An execution that has not ended, for operators. */
interface CountedExecution {
  readonly session: SandboxSession
  /** If false, the execution waits for its turn. */
  readonly isRunning: boolean
}

export interface StateParts {
  readonly config: CompleteSandboxConfig
  readonly findings: readonly Finding[]
  /** The backends that may be used. The first one is in use. */
  readonly usable: readonly Usable[]
  readonly problem: string | null
  readonly executions: Iterable<CountedExecution>
  readonly disk: SandboxState["disk"]
}

export function describeState(parts: StateParts): SandboxState {
  const { config, findings, usable, problem, executions, disk } = parts
  const all = [...executions]
  const running = all.filter(({ isRunning }) => isRunning).length
  const warm = usable[0]?.backend.warmSessions?.()
  return {
    backends: findings.map((finding) => describeBackend(finding, usable)),
    problem,
    network: usable[0]?.sandboxed === false ? "host" : config.network,
    limits: describeLimits(config, usable[0]?.backend.unheld ?? []),
    executions: {
      running,
      maxRunning: config.maxConcurrent,
      waiting: all.length - running,
      maxWaiting: config.maxQueued,
    },
    warmPool: warm === undefined ? null : { size: warm.length, max: config.warmPool },
    disk,
  }
}

function describeBackend(
  { backend: name, usable: works, reason, detail }: Finding,
  usable: readonly Usable[],
): BackendState {
  const allowed = usable.find((each) => each.name === name)
  const common = { name, sandboxed: name !== "subprocess", languages: allowed?.languages ?? [] }
  if (!works) {
    return { ...common, state: "unusable", reason: detail === "" ? reason : `${reason} (${detail})` }
  }
  if (allowed === undefined) return { ...common, state: "refused", reason }
  return { ...common, state: allowed === usable[0] ? "inUse" : "usable", reason }
}

function describeLimits(
  config: CompleteSandboxConfig,
  unheld: readonly UnheldLimit[],
): readonly SandboxLimit[] {
  const { memoryMb, cpus, pids, maxTimeoutMs } = config
  const quota = computeDiskQuota(config)
  const gapOf = (name: UnheldLimit["limit"]) => {
    const reasons = unheld.filter(({ limit }) => limit === name).map(({ reason }) => reason)
    return reasons.length === 0 ? null : reasons.join("; ")
  }
  return [
    { name: "memory", value: memoryMb * megabyte, gap: gapOf("memory") ?? uncountedMemory },
    { name: "processor time", value: cpus, gap: gapOf("processor time") },
    { name: "processes", value: pids, gap: gapOf("processes") },
    { name: "time", value: maxTimeoutMs, gap: null },
    { name: "disk", value: quota.bytes, gap: null },
    { name: "files", value: quota.entries, gap: null },
  ]
}

/** Lists the sessions with executions first, and then the others. */
export function describeSessions(
  executions: Iterable<CountedExecution>,
  usages: readonly HeldUsage[],
  warm: readonly string[],
): readonly SessionSandbox[] {
  const counts = new Map<string, { readonly session: SandboxSession; running: number; waiting: number }>()
  for (const { session, isRunning } of executions) {
    const count = counts.get(session.id) ?? { session, running: 0, waiting: 0 }
    counts.set(session.id, count)
    if (isRunning) count.running += 1
    else count.waiting += 1
  }
  const usageOf = new Map(usages.map(({ session, usage }) => [session.id, usage]))
  const warmIds = new Set(warm)
  const idle = usages.filter(({ session }) => !counts.has(session.id))
  return [...counts.values(), ...idle.map(({ session }) => ({ session, running: 0, waiting: 0 }))].map(
    ({ session: { id, tenant, userId }, running, waiting }) => ({
      session: { id, tenant, userId },
      running,
      waiting,
      usage: usageOf.get(id) ?? null,
      isWarm: warmIds.has(id),
    }),
  )
}
