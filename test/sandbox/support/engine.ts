import { spawn, spawnSync } from "node:child_process"
import { createReadStream, openSync, readFileSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Docker from "dockerode"
import { requirePrograms } from "../../debian-packages.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import { rootFileSystem } from "./image.ts"

export const testImage = "agent-gateway-sandbox:test"

export interface TestEngine {
  readonly docker: Docker
  readonly socket: string
  /** Kills the engine. Its containers may continue. */
  kill(): Promise<void>
  /** Stops the engine like a service manager. */
  shutDown(): Promise<void>
  /** Restarts the engine after `kill` or `shutDown`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a separate Docker engine. All its files are in a temporary folder, and it has no bridge, so the host's
 * network does not change. Its only image is made of Debian packages, so it needs no registry.
 */
export async function startEngine(): Promise<TestEngine> {
  await requirePrograms("dockerd")
  const rootFs = await rootFileSystem()
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-docker-"))
  const socket = join(folder, "docker.sock")
  const log = join(folder, "log")
  const output = openSync(log, "w")
  const docker = new Docker({ socketPath: socket })
  let daemon: Daemon | null = null
  const start = async () => {
    daemon = startDaemon(engineArguments(folder, socket), output)
    await eventually("a Docker engine", () =>
      docker.ping().then(
        () => true,
        () => null,
      ),
    )
  }
  const stop = async () => {
    await daemon?.end("SIGTERM")
    // A killed engine leaves its mounts behind for the next one.
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[1] ?? "")
    // A mount may have disappeared together with the mount that contained it. A mount that remains keeps the folder
    // from being removed.
    for (const mount of mounts) if (mount.startsWith(folder)) spawnSync("umount", ["--lazy", mount])
    await rm(folder, { recursive: true, force: true, maxRetries: 20 })
  }
  try {
    await start()
    const progress = await docker.importImage(createReadStream(rootFs), {
      repo: "agent-gateway-sandbox",
      tag: "test",
    })
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)))
    })
    return {
      docker,
      socket,
      stop,
      kill: async () => daemon?.end("SIGKILL"),
      shutDown: async () => daemon?.end("SIGTERM"),
      async restart() {
        // These process ids may belong to other processes by now.
        for (const file of ["docker.pid", "exec/containerd/containerd.pid"])
          await rm(join(folder, file), { force: true })
        await start()
      },
    }
  } catch (error) {
    const said = await readFile(log, "utf8")
    await stop()
    throw new Error(`No Docker engine could be brought up:\n${said.slice(-4000)}`, { cause: error })
  }
}

interface Daemon {
  end(signal: NodeJS.Signals): Promise<void>
}

function startDaemon(options: readonly string[], output: number): Daemon {
  // The engine ends when this process ends for any reason.
  const daemon = spawn("setpriv", ["--pdeathsig=TERM", "dockerd", ...options], {
    detached: true,
    stdio: ["ignore", output, output],
  })
  const exited = new Promise<void>((resolve) =>
    daemon.once("close", () => resolve()).once("error", () => resolve()),
  )
  return {
    async end(signal) {
      daemon.kill(signal)
      const timer = setTimeout(() => daemon.kill("SIGKILL"), 20_000)
      await exited
      clearTimeout(timer)
    },
  }
}

function engineArguments(folder: string, socket: string): readonly string[] {
  return [
    ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
    ...["--pidfile", join(folder, "docker.pid"), "-H", `unix://${socket}`],
    ...["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"],
    ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
  ]
}
