import { readdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { ConfigurationError, GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type {
  ExecEvent,
  ExecRequest,
  Sandboxes,
  SandboxFiles,
  SandboxSession,
} from "../../core/ports/tools/sandbox.ts"
import type { Backend } from "./backend.ts"
import { openCgroups } from "./cgroups/cgroups.ts"
import type { CompleteSandboxConfig } from "./config.ts"
import { describeSessions, describeState } from "./describe-state.ts"
import { createDiskGuard, type DiskGuard } from "./disk/guard.ts"
import { execute } from "./execute.ts"
import { createSlots } from "./execution-slots.ts"
import { createHealthCheck } from "./health-check.ts"
import { forgetDeadInstances, type Instance, joinInstances } from "./instances.ts"
import { computeDiskQuota } from "./limits.ts"
import { writePythonFolder } from "./python-startup.ts"
import { stageFolders } from "./staged-folders.ts"
import { createNothingWorks, type Finding, mayBeUsed, tryOut, type Usable, warnOf } from "./trial/try-out.ts"
import { listFiles, openFile, replaceFile } from "./workspace/files.ts"
import { checkInputFiles } from "./workspace/input-files.ts"
import { removeTree } from "./workspace/remove-tree.ts"
import { makePassable } from "./workspace/traversable-folder.ts"
import { createUnfinishedExecutions, type UnfinishedExecutions } from "./workspace/unfinished-executions.ts"
import { openWorkspaces, type Workspace, type Workspaces } from "./workspace/workspaces.ts"

export interface SandboxesOptions {
  readonly config: CompleteSandboxConfig
  /**
   * Directory for gateways of one store only. Working directories of sessions that the store does not know are
   * removed.
   */
  readonly directory: string
  /** If true, sessions do not outlive the process, so their working directories are removed as well. */
  readonly ephemeral: boolean
  readonly logger: Logger
}

export interface OpenedSandboxes extends Sandboxes {
  /** A finding for each allowed backend, in order: how it works, or why it does not. */
  readonly findings: readonly Finding[]
  /** Checks if the preferred backend works now, with at most one ping every few seconds. */
  check(): Promise<BackendCheck>
  /**
   * Removes leftovers of dead processes, and working directories of removed sessions, whose code it ends first. If
   * the signal aborts, the rest is left to the next call.
   */
  reap(isKept: (sessionId: string) => Promise<boolean>, signal?: AbortSignal): Promise<void>
  /** Ends all executions. */
  close(): Promise<void>
}

export type BackendCheck =
  | { readonly works: true }
  /** `reason` is safe to show to anyone. `detail` is for the log. */
  | { readonly works: false; readonly reason: string; readonly detail: string }

/**
 * Tries each backend with a real run. Rejects with a `ConfigurationError` that explains why none works, or why none
 * of the working ones counts as a sandbox if one is required.
 */
export async function openSandboxes(options: SandboxesOptions): Promise<OpenedSandboxes> {
  const { config, ephemeral, logger } = options
  const directory = resolve(options.directory)
  await checkInputFiles(config)
  await makePassable(directory)
  const instance = joinInstances(directory)
  const privateFolder = join(directory, toInstanceFolder(instance.id))
  try {
    const root = ephemeral ? privateFolder : directory
    const workspaces = await openWorkspaces({ directory: root, inputFiles: config.files })
    await removeDeadFolders(directory, instance, AbortSignal.timeout(startTimeoutMs)).catch(warnOf(logger))
    const pythonFolder = join(privateFolder, "python")
    await writePythonFolder(pythonFolder)
    const cgroups = await openCgroups(config, instance)
    const guard = createDiskGuard({ path: root, quota: computeDiskQuota(config) })
    const unfinished = createUnfinishedExecutions()
    const trials = await Promise.all(
      config.backends.map((name) =>
        tryOut(name, {
          config,
          directory,
          privateFolder,
          pythonFolder,
          workspaces,
          guard,
          unfinished,
          instance,
          cgroups,
          logger,
        }),
      ),
    )
    forgetDeadInstances(directory, instance)
    const usable = trials.flatMap(({ usable }) => (usable === null ? [] : [usable]))
    const allowed = usable.filter((each) => mayBeUsed(each, config))
    const findings = trials.map(({ finding }) => finding)
    if (allowed.length === 0) throw createNothingWorks(findings, config)
    return createSandboxes({
      config,
      directory,
      privateFolder,
      instance,
      workspaces,
      guard,
      unfinished,
      usable: allowed,
      findings,
      logger,
    })
  } catch (error) {
    await removeInTime(privateFolder).catch(warnOf(logger))
    instance.end()
    throw error
  }
}

interface Parts {
  readonly config: CompleteSandboxConfig
  readonly directory: string
  readonly privateFolder: string
  readonly instance: Instance
  readonly workspaces: Workspaces
  readonly guard: DiskGuard
  readonly unfinished: UnfinishedExecutions
  readonly usable: readonly Usable[]
  readonly findings: readonly Finding[]
  readonly logger: Logger
}

/** Maximum milliseconds that the removal of leftovers delays the start. The rest is left to the next removal. */
const startTimeoutMs = 10_000
/** Maximum milliseconds that the removal delays the end. The rest is left to the next start. */
const closeTimeoutMs = 2_000

async function removeInTime(path: string): Promise<void> {
  const timeout = AbortSignal.timeout(closeTimeoutMs)
  await removeTree(path, timeout).catch((error: unknown) => {
    if (error !== timeout.reason) throw error
  })
}

/** An execution that has not ended, including one that waits for its turn. */
interface Execution {
  readonly session: SandboxSession
  /** If false, the execution waits for its turn. */
  isRunning: boolean
  readonly stop: AbortController
  readonly ended: PromiseWithResolvers<void>
}

function createExecution(session: SandboxSession): Execution {
  return { session, isRunning: false, stop: new AbortController(), ended: Promise.withResolvers() }
}

function choosePreferred(usable: readonly Usable[]): Backend {
  const [first] = usable
  if (first === undefined) throw new Error("No backend can execute code.")
  return first.backend
}

/** Milliseconds for which a working directory counts as new, because its session may just have been created. */
const youngMs = 5 * 60_000

function createSandboxes(parts: Parts): OpenedSandboxes {
  const { config, directory, privateFolder, instance, workspaces, guard, unfinished } = parts
  const { usable, findings, logger } = parts
  const slots = createSlots(config)
  const staging = join(privateFolder, "folders")
  const closing = new AbortController()
  const active = new Set<Execution>()
  const { ping = async () => {}, name: preferred } = choosePreferred(usable)
  const checkHealth = createHealthCheck({ ping })
  const warmSessions = () => usable.flatMap(({ backend }) => backend.warmSessions?.() ?? [])

  async function* exec(
    session: SandboxSession,
    workspace: Workspace,
    request: ExecRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ExecEvent> {
    const backend = usable.find(({ name }) => name === request.host)?.backend
    if (backend === undefined) throw new ConfigurationError(`The host ${request.host} is not allowed.`)
    const execution = createExecution(session)
    active.add(execution)
    try {
      const stop = AbortSignal.any([signal, closing.signal, execution.stop.signal])
      const giveBack = await slots.take(session, stop)
      execution.isRunning = true
      try {
        const { folders, release } = await stageFolders(staging, request.folders ?? [])
        try {
          const options = { backend, workspace, session, limits: config, guard, unfinished, request, folders }
          yield* execute({ ...options, signal: stop })
        } finally {
          await release()
        }
      } finally {
        giveBack()
      }
    } catch (error) {
      throw logError(error)
    } finally {
      active.delete(execution)
      execution.ended.resolve()
    }
  }

  async function removeSession(sessionId: string, signal: AbortSignal | undefined): Promise<void> {
    const ofSession = [...active].filter(({ session }) => session.id === sessionId)
    for (const { stop } of ofSession) stop.abort(new Error("The session is no longer kept."))
    await Promise.all(ofSession.map(({ ended }) => ended.promise))
    await workspaces.remove(sessionId, signal)
    guard.forget(sessionId)
  }

  /** Logs an error. Its detail is for the operator, and callers do not receive it. */
  function logError(error: unknown): unknown {
    if (error instanceof GatewayError && error.detail !== undefined) {
      logger.warn({ code: error.code, detail: error.detail }, error.message)
    }
    return error
  }

  function createFiles({ path, owner }: Workspace): SandboxFiles {
    return {
      files: (signal = closing.signal) => listFiles(path, AbortSignal.any([signal, closing.signal])),
      readFile: (file) => openFile(path, file),
      writeFile: (file, data) => replaceFile(path, file, data, owner),
    }
  }

  return {
    findings,
    hosts: usable.map(({ name, sandboxed, languages }) => ({ name, sandboxed, languages })),

    async state() {
      const [problem, directories, { freeBytes, reservedBytes }] = await Promise.all([
        checkHealth(),
        workspaces.count(),
        guard.readSpace(),
      ])
      return describeState({
        ...{ config, findings, usable, executions: active },
        problem: problem === null ? null : `${preferred} does not respond: ${problem.message}`,
        disk: { directories, freeBytes, reservedBytes },
      })
    },
    sessions: () => describeSessions(active, guard.usages(), warmSessions()),

    async check() {
      const problem = await checkHealth()
      if (problem === null) return { works: true }
      return { works: false, reason: `${preferred} does not respond`, detail: problem.message }
    },

    async open(session) {
      const workspace = await workspaces.open(session.id).catch((error) => {
        throw logError(error)
      })
      return {
        ...createFiles(workspace),
        exec: (request, { signal }) => exec(session, workspace, request, signal),
      }
    },
    async find(sessionId) {
      const workspace = await workspaces.find(sessionId)
      return workspace === null ? null : createFiles(workspace)
    },

    async reap(isKept, signal) {
      const removeIfNotKept = async (sessionId: string) => {
        if (signal?.aborted === true) return
        if (!(await isKept(sessionId))) await removeSession(sessionId, signal)
      }
      const old = await workspaces.madeBefore(Date.now() - youngMs)
      await runAll([
        () => removeDeadFolders(directory, instance, signal),
        () => workspaces.finishRemovals(signal),
        ...usable.map(
          ({ backend }) =>
            () =>
              backend.reap(),
        ),
        async () => forgetDeadInstances(directory, instance),
        ...old.map((sessionId) => () => removeIfNotKept(sessionId)),
      ])
    },

    async close() {
      closing.abort(new Error("The gateway is closing."))
      await Promise.all([...active].map(({ ended }) => ended.promise))
      await runAll([
        ...usable.map(
          ({ backend }) =>
            () =>
              backend.close(),
        ),
        () => removeInTime(privateFolder),
        async () => instance.end(),
      ])
    },
  }
}

/** Runs the tasks one after the other. A failure does not prevent the next tasks, and is thrown at the end. */
async function runAll(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const task of tasks) await task().catch((error: unknown) => errors.push(error))
  if (errors.length > 1)
    throw new AggregateError(errors, errors.map((error) => toError(error).message).join("; "))
  if (errors.length === 1) throw errors[0]
}

function toInstanceFolder(id: string): string {
  return `instance-${id}`
}

async function removeDeadFolders(directory: string, instance: Instance, signal?: AbortSignal): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, id] = /^instance-(.+)$/.exec(name) ?? []
    if (id !== undefined && !instance.isLive(id)) await removeTree(join(directory, name), signal)
  }
}
