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
  /** Kills it; what it ran may go on. */
  kill(): Promise<void>
  /** Stops it as a service manager does. */
  shutDown(): Promise<void>
  /** After `kill` or `shutDown`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/**
 * A Docker engine of its own, with everything it keeps in a folder of its own, and no bridge, so that nothing of the
 * host's network changes. It has one image, made of Debian's packages: no registry is needed.
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
    await eventually(
      "a Docker engine",
      () =>
        docker.ping().then(
          () => true,
          () => null,
        ),
      { withinMs: 60_000 },
    )
  }
  const stop = async () => {
    await daemon?.end("SIGTERM")
    // One that was killed leaves what it mounted, there for the next.
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[1] ?? "")
    // By its turn one may be gone, with that which it was in. What is still there keeps the folder from being removed.
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
        // Their numbers may belong to other processes by now.
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
  // It ends with this process, however that ends.
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
