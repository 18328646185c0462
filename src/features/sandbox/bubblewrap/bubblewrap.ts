import { open, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ConfigurationError } from "../../../core/errors.ts"
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
import { pythonFolderInside } from "../python-startup.ts"
import { createSeccompProgram } from "../seccomp/bpf.ts"
import { hasOwnUsers } from "../workspace/owner.ts"
import { createBubblewrapArguments, sandboxPath } from "./arguments.ts"

/** Files that bubblewrap receives in addition to the three standard streams. */
const argumentsFile = 3
const seccompFile = 4

/**
 * Opens the backend that uses Linux namespaces through bubblewrap. Throws a `ConfigurationError` with the reason if
 * it cannot be used here.
 */
export async function openBubblewrap(options: BackendOptions): Promise<Backend> {
  const { limits, network, env, directory, privateFolder, pythonFolder, cgroups } = options
  if (process.platform !== "linux") throw new ConfigurationError("bubblewrap needs Linux.")
  if (network === "bridge") throw new ConfigurationError('network "bridge" is only for Docker.')
  const [bwrap, prlimit, setpriv] = await Promise.all(["bwrap", "prlimit", "setpriv"].map(findProgram))
  if (bwrap === undefined || prlimit === undefined || setpriv === undefined) {
    throw new ConfigurationError(
      "bwrap, prlimit and setpriv are needed (packages bubblewrap and util-linux).",
    )
  }
  const asRoot = hasOwnUsers()
  const filter = join(directory, "seccomp.bpf")
  await writeFile(filter, createSeccompProgram(findProcessor()), { mode: 0o600 })
  const starter = await prepareStarter()
  const makePipes = await prepareOutputPipes(join(privateFolder, "pipes"))
  const groups = typeof cgroups === "string" ? null : cgroups
  const environment = {
    ...createBaseEnvironment({ home: "/workspace", path: sandboxPath, temporary: "/tmp", limits }),
    ...env,
  }

  return {
    name: "bubblewrap",
    sandboxed: true,
    description: describe(cgroups),
    // A user namespace, or a user for each session, counts processes.
    unheld: findUnenforcedLimits(cgroups, ["memory", "processor time"]),
    tellsOutOfMemory: groups !== null,

    async start({ workspace, folders, ...order }) {
      const cgroup = (await groups?.create()) ?? null
      const seccomp = await open(filter)
      try {
        const built = createBubblewrapArguments({
          workspace: workspace.path,
          env: environment,
          folders,
          node: process.execPath,
          pythonFolder,
          network,
          asRoot,
          seccompFile,
        })
        const { owner } = workspace
        return await startProcess({
          command: [
            ...[prlimit, ...createResourceLimits(limits), `--nofile=${openFiles}:${openFiles}`, "--"],
            ...[bwrap, "--args", String(argumentsFile), "--"],
            ...(owner === null ? [] : [setpriv, ...createUserArguments(owner.uid, owner.gid)]),
            ...(cgroup === null
              ? [prlimit, ...createProcessLimits(limits), ...createUserLimits(limits), "--"]
              : []),
            ...createLauncherCommand({ directory: "/workspace", pythonFolder: pythonFolderInside, limits }),
          ],
          // Nothing of the host's environment is passed, because `/proc/1/environ` shows the environment of
          // bubblewrap itself.
          env: {},
          cwd: "/",
          input: createLauncherInput(order),
          // The arguments are not on a command line, because every user of the host can read that.
          extra: [Buffer.from(`${built.join("\0")}\0`), seccomp.fd],
          cgroup,
          starter,
          makePipes,
        })
      } catch (error) {
        await cgroup?.end()
        throw error
      } finally {
        await seccomp.close()
      }
    },
    reap: async () => groups?.reap(),
    close: async () => {},
  }
}

function createUserArguments(uid: number, gid: number): readonly string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"]
  return [...ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
}

function describe(cgroups: Cgroups | string): string {
  return typeof cgroups === "string"
    ? "limits by rlimits, each process on its own, because control groups are not permitted"
    : `limits by cgroups version ${cgroups.version}`
}

function findProcessor() {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch
  throw new ConfigurationError(`bubblewrap has no system call filter for ${process.arch}.`)
}
