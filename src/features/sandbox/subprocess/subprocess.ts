import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ConfigurationError, hasCode } from "../../../core/errors.ts"
import type { Backend } from "../backend.ts"
import type { Cgroups } from "../cgroups/cgroups.ts"
import { findUnenforcedLimits } from "../cgroups/unenforced-limits.ts"
import { openFiles } from "../limits.ts"
import type { BackendOptions } from "../options.ts"
import { findProgram } from "../processes/find-program.ts"
import { createBaseEnvironment, createLauncherCommand, createLauncherInput } from "../processes/launcher.ts"
import { prepareOutputPipes } from "../processes/output-pipes.ts"
import { createProcessLimits, createResourceLimits, createUserLimits } from "../processes/resource-limits.ts"
import { startProcess } from "../processes/start-process.ts"
import { prepareStarter } from "../processes/starter.ts"
import { hasOwnUsers, type Owner } from "../workspace/owner.ts"
import { findPython } from "./find-python.ts"
import { removeSharedObjects } from "./shared-objects.ts"

const systemFolders = ["/usr/local/bin", "/usr/bin", "/bin"]
/** A user without rights, like those of sessions. */
const nobodyId = 65_534
/** Name of the environment variable by which processes outside all groups are found again. */
const mark = "AGENT_GATEWAY_EXECUTION"

export interface SubprocessOptions extends BackendOptions {
  /** The option `python`. */
  readonly python: string | undefined
  /** The gateway's `PATH`. */
  readonly searchPath: string
}

/**
 * Opens the backend that runs a process on this machine under limits, as another user if the gateway is root. It is
 * not a sandbox: the code can do everything that its user may do, and reach the network. Throws a
 * `ConfigurationError` with the reason if it cannot be used here.
 */
export async function openSubprocess({
  limits,
  env,
  instance,
  privateFolder,
  pythonFolder,
  cgroups,
  ...search
}: SubprocessOptions): Promise<Backend> {
  if (process.platform !== "linux") throw new ConfigurationError("a subprocess's limits need Linux.")
  const [prlimit, setpriv, ipcrm] = await Promise.all(["prlimit", "setpriv", "ipcrm"].map(findProgram))
  if (prlimit === undefined || setpriv === undefined || ipcrm === undefined) {
    throw new ConfigurationError("prlimit, setpriv and ipcrm are needed (package util-linux).")
  }
  const nobody = [setpriv, `--reuid=${nobodyId}`, `--regid=${nobodyId}`, "--clear-groups", "--"]
  const python = (await findPython({ ...search, asCode: hasOwnUsers() ? nobody : [] })) ?? undefined
  const path = createSearchPath(python)
  const starter = await prepareStarter()
  const makePipes = await prepareOutputPipes(join(privateFolder, "pipes"))
  const groups = typeof cgroups === "string" ? null : cgroups
  const prefix = `${instance.directoryId}.`
  let count = 0
  /** Number of executions of each user. */
  const running = new Map<number, number>()
  const change = (uid: number, by: 1 | -1) => running.set(uid, (running.get(uid) ?? 0) + by)

  /** Ends an execution. With the last execution of a user, the shared objects of its processes are removed. */
  async function leave(owner: Owner): Promise<void> {
    change(owner.uid, -1)
    if (running.get(owner.uid) !== 0) return
    running.delete(owner.uid)
    await removeSharedObjects(String(ipcrm), owner.uid)
  }

  return {
    name: "subprocess",
    sandboxed: false,
    description: describe(groups),
    ...(python !== undefined && { python }),
    // As root, each session has its own user, whose processes are counted.
    unheld: findUnenforcedLimits(
      cgroups,
      hasOwnUsers() ? ["memory", "processor time"] : ["memory", "processes", "processor time"],
    ),
    tellsOutOfMemory: groups !== null,

    async start({ workspace, folders, ...order }) {
      const cgroup = (await groups?.create()) ?? null
      count += 1
      const marked = `${prefix}${instance.id}.${count}`
      const { owner } = workspace
      if (owner !== null) change(owner.uid, 1)
      try {
        return await startProcess({
          command: [
            ...[prlimit, ...createResourceLimits(limits), `--nofile=${openFiles}:${openFiles}`],
            ...(cgroup === null ? createProcessLimits(limits) : []),
            ...[...(cgroup === null && owner !== null ? createUserLimits(limits) : []), "--"],
            ...[setpriv, ...(owner === null ? [] : [`--reuid=${owner.uid}`, `--regid=${owner.gid}`])],
            ...[...(owner === null ? [] : ["--clear-groups"]), "--no-new-privs", "--pdeathsig=KILL", "--"],
            ...createLauncherCommand({
              directory: workspace.path,
              pythonFolder,
              ...(python !== undefined && { python }),
              limits,
            }),
          ],
          env: {
            ...createBaseEnvironment({ home: workspace.path, path, temporary: workspace.path, limits }),
            ...env,
            ...Object.fromEntries(folders.map((folder) => [folder.variable, folder.path])),
            [mark]: marked,
          },
          cwd: "/",
          input: createLauncherInput(order),
          cgroup,
          starter,
          makePipes,
          // A control group contains all processes.
          ...(cgroup === null && { killRest: () => killMarked((value) => value === marked) }),
          ...(owner !== null && { removeRest: () => leave(owner) }),
        })
      } catch (error) {
        await cgroup?.end()
        if (owner !== null) await leave(owner)
        throw error
      }
    },

    async reap() {
      await groups?.reap()
      await killMarked((value) => {
        const [owner] = value.slice(prefix.length).split(".")
        return value.startsWith(prefix) && owner !== undefined && !instance.isLive(owner)
      })
    },
    close: async () => {},
  }
}

/**
 * The folder of Python comes first, so that shell code finds it too. The last folder has the gateway's own Node, in
 * case the machine has no other.
 */
function createSearchPath(python: string | undefined): string {
  const first = python === undefined ? [] : [dirname(python)]
  const folders = first.every((folder) => systemFolders.includes(folder)) ? [] : first
  return [...folders, ...systemFolders, dirname(process.execPath)].join(":")
}

function describe(groups: Cgroups | null): string {
  const rights = hasOwnUsers()
    ? "the code of each session runs as a user of its own"
    : "code has the rights of the gateway's own user, also on the store and the keys of the gateway"
  return `no sandbox; ${rights}; limits by ${groups === null ? "rlimits" : `cgroups version ${groups.version}`}`
}

/** Kills marked processes repeatedly, because those that were found may have started others in the meantime. */
async function killMarked(matches: (value: string) => boolean): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const pids = await findMarkedProcesses(matches)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
  }
}

async function findMarkedProcesses(matches: (value: string) => boolean): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      // The process may end at any moment, and this process may not read the environments of other users.
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
      const variable = environment.split("\0").find((line) => line.startsWith(`${mark}=`))
      return variable !== undefined && matches(variable.slice(mark.length + 1)) ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error
  }
}
