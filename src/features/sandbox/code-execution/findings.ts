import type { Logger } from "../../../core/ports/logger.ts"
import type { PluginCheck } from "../../../core/ports/plugin.ts"
import { uncountedMemory } from "../limits.ts"
import type { OpenedSandboxes } from "../open-sandboxes.ts"
import { describeUnheld } from "../trial/try-out.ts"

/** Logs which backend is in use, and why better ones are not. */
export function logFindings({ findings, hosts }: OpenedSandboxes, network: string, logger: Logger): void {
  const [inUse] = hosts
  const details = findings.map(({ backend, usable, reason, detail, unheld }) => {
    return { backend, usable, reason, detail, ...(unheld.length > 0 && { unheld: describeUnheld(unheld) }) }
  })
  const fields = { backend: inUse?.name, backends: details }
  if (inUse?.sandboxed === true) logger.info(fields, "code runs in a sandbox")
  else logger.warn(fields, "code runs in no sandbox, so a person must allow each call")
  if (network !== "none")
    logger.warn({ network }, "code has a network, because codeExecution.network says so")
}

/**
 * Returns a check of the backend in use. Its result explains why better backends are not used, and is safe to show to
 * anyone.
 */
export function createReadinessCheck(sandboxes: OpenedSandboxes, logger: Logger): () => Promise<PluginCheck> {
  const summary = formatSummary(sandboxes)
  let worked = true
  return async () => {
    const outcome = await sandboxes.check()
    const changed = outcome.works !== worked
    worked = outcome.works
    if (outcome.works) {
      if (changed) logger.info({}, "The backend of code execution responds again.")
      return { ok: true, detail: summary }
    }
    const { reason, detail } = outcome
    if (changed)
      logger.warn({ reason, detail }, "Code execution does not work. Calls fail until the backend is back.")
    return { ok: false, detail: `${reason}, so code does not run until it is back; ${summary}` }
  }
}

function formatSummary({ findings, hosts }: OpenedSandboxes): string {
  const [inUse] = hosts
  const better = findings.slice(
    0,
    findings.findIndex(({ backend }) => backend === inUse?.name),
  )
  const { unheld = [], reason = "" } = findings.find(({ backend }) => backend === inUse?.name) ?? {}
  const name = inUse?.sandboxed === false ? `${inUse.name} (${reason})` : inUse?.name
  return [
    unheld.length === 0 ? name : `${name}, which ${describeUnheld(unheld)}`,
    ...(unheld.some(({ limit }) => limit === "memory") ? [] : [uncountedMemory]),
    ...better.map(({ backend, usable, reason, unheld }) => {
      return `not ${backend}: ${usable ? describeUnheld(unheld) : reason}`
    }),
  ].join("; ")
}
