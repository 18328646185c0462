import { ConfigurationError, GatewayError, toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { SandboxHost, SandboxName } from "../../../core/ports/tools/sandbox.ts"
import type { Backend, UnheldLimit } from "../backend.ts"
import { openBubblewrap } from "../bubblewrap/bubblewrap.ts"
import type { CompleteSandboxConfig } from "../config.ts"
import type { DiskGuard } from "../disk/guard.ts"
import { openDocker } from "../docker/docker.ts"
import type { BackendOptions } from "../options.ts"
import { openSubprocess } from "../subprocess/subprocess.ts"
import type { UnfinishedExecutions } from "../workspace/unfinished-executions.ts"
import type { Workspaces } from "../workspace/workspaces.ts"
import { tryBackend } from "./probe.ts"

/** Result of the trial run of a backend at the start. */
export interface Finding {
  readonly backend: SandboxName
  readonly usable: boolean
  /** The reason, which is safe to show to anyone. */
  readonly reason: string
  /** Details for the log; may be empty. */
  readonly detail: string
  /** Limits that the backend does not enforce. */
  readonly unheld: readonly UnheldLimit[]
}

export interface Usable extends SandboxHost {
  readonly backend: Backend
}

export interface Trial {
  readonly finding: Finding
  readonly usable: Usable | null
}

export interface TrialOptions
  extends Pick<
    BackendOptions,
    "directory" | "privateFolder" | "pythonFolder" | "instance" | "cgroups" | "logger"
  > {
  readonly config: CompleteSandboxConfig
  readonly workspaces: Workspaces
  readonly guard: DiskGuard
  readonly unfinished: UnfinishedExecutions
}

/** Opens a backend and runs code with it. Never rejects. The finding explains why the backend cannot be used. */
export async function tryOut(name: SandboxName, options: TrialOptions): Promise<Trial> {
  const { config, workspaces, guard, unfinished, instance, logger } = options
  const trialSession = `canary-${name}-${instance.id}`
  let backend: Backend | null = null
  try {
    backend = await openBackend(name, options)
    await backend.reap().catch(warnOf(logger))
    const workspace = await workspaces.open(trialSession)
    const session = { id: trialSession, tenant: "", userId: trialSession }
    const languages = await tryBackend({ backend, workspace, session, limits: config, guard, unfinished })
    const { sandboxed, description, unheld, python } = backend
    const detail = python === undefined ? "" : `Python is ${python}`
    const finding = { backend: name, usable: true, reason: description, detail, unheld }
    return { finding, usable: { name, sandboxed, languages, backend } }
  } catch (error) {
    await backend?.close()
    return { finding: createFailure(name, error), usable: null }
  } finally {
    await workspaces.remove(trialSession)
    guard.forget(trialSession)
  }
}

function createFailure(backend: SandboxName, thrown: unknown): Finding {
  const error = toError(thrown)
  if (!(error instanceof GatewayError)) {
    return { backend, usable: false, reason: "it could not be tried", detail: error.message, unheld: [] }
  }
  return { backend, usable: false, reason: error.message, detail: error.detail ?? "", unheld: [] }
}

function openBackend(
  name: SandboxName,
  { config, directory, privateFolder, pythonFolder, instance, cgroups, logger }: TrialOptions,
): Promise<Backend> {
  const { network, env, image, warmPool, dockerSocket: socket, python, searchPath } = config
  const paths = { directory, privateFolder, pythonFolder }
  const common = { limits: config, network, env, ...paths, instance, cgroups, logger }
  switch (name) {
    case "docker":
      return openDocker({ ...common, socket, image, warmPool })
    case "bubblewrap":
      return openBubblewrap(common)
    case "subprocess":
      return openSubprocess({ ...common, python, searchPath })
    default:
      return name satisfies never
  }
}

/** Returns true if the backend may be used. A required sandbox must isolate code, and enforce all its limits. */
export function mayBeUsed(
  { sandboxed, backend }: Usable,
  { requireSandbox }: CompleteSandboxConfig,
): boolean {
  return !requireSandbox || (sandboxed && backend.unheld.length === 0)
}

export function createNothingWorks(
  findings: readonly Finding[],
  { requireSandbox }: CompleteSandboxConfig,
): ConfigurationError {
  const reasons = findings.map((finding) => `${finding.backend}: ${describeFinding(finding)}`)
  const what = requireSandbox
    ? "requireSandbox is set, and no sandbox works here whose limits hold"
    : "no backend works here"
  return new ConfigurationError(`codeExecution: ${what} (${reasons.join("; ")}).`)
}

function describeFinding({ backend, usable, reason, detail, unheld }: Finding): string {
  if (!usable) return detail === "" ? reason : `${reason} (${detail})`
  if (backend === "subprocess") return "works, but is not a sandbox"
  return `works, but ${describeUnheld(unheld)}`
}

/** Returns a description that is safe to show to anyone. */
export function describeUnheld(unheld: readonly UnheldLimit[]): string {
  const byReason = Map.groupBy(unheld, ({ reason }) => reason)
  return [...byReason]
    .map(([reason, limits]) => `does not limit ${limits.map(({ limit }) => limit).join(", ")}: ${reason}`)
    .join("; ")
}

/**
 * Returns a handler for a failed removal of leftovers. The backend is used nevertheless, and the next removal tries
 * again.
 */
export function warnOf(logger: Logger): (error: unknown) => void {
  return (error) =>
    logger.warn(
      { error: toError(error) },
      "The remains of dead processes could not be removed. The gateway tries again in a minute.",
    )
}
