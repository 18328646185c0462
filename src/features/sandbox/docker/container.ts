import type { ContainerCreateOptions } from "dockerode"
import { megabyte, openFiles, sharedMemoryBytes, temporaryBytes } from "../limits.ts"
import type { BackendOptions } from "../options.ts"
import { createBaseEnvironment, createLauncherCommand } from "../processes/launcher.ts"
import { pythonFolderInside } from "../python-startup.ts"
import { createDockerSeccompProfile } from "../seccomp/docker-profile.ts"
import { type StagedFolder, toMountPoint } from "../staged-folders.ts"
import type { Workspace } from "../workspace/workspaces.ts"

export const directoryLabel = "ai-agent-gateway.directory"
export const instanceLabel = "ai-agent-gateway.instance"
const sessionLabel = "ai-agent-gateway.session"

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

export interface ContainerSetup
  extends Pick<BackendOptions, "limits" | "network" | "env" | "instance" | "pythonFolder"> {
  readonly image: string
  /** `uid:gid` inside the container. */
  readonly user: string
  readonly folders: readonly StagedFolder[]
  /** If true, the engine's memory limit does not include the buffers of TCP connections. */
  readonly needsTcpLimit: boolean
}

/** Returns the options of a container for one execution of one session, with minimal permissions. */
export function createContainerOptions(
  { image, user, folders, pythonFolder, limits, network, env, instance }: ContainerSetup,
  { path: directory, sessionId }: Workspace,
): ContainerCreateOptions {
  const environment = {
    ...createBaseEnvironment({ home: "/workspace", path, temporary: "/tmp", limits }),
    ...env,
    ...Object.fromEntries(folders.map((folder) => [folder.variable, toMountPoint(folder)])),
  }
  const memory = limits.memoryMb * megabyte
  const fileBytes = limits.diskMb * megabyte
  return {
    Image: image,
    User: user,
    Entrypoint: [],
    Cmd: [...createLauncherCommand({ directory: "/workspace", pythonFolder: pythonFolderInside, limits })],
    WorkingDir: "/",
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [directoryLabel]: instance.directoryId,
      [instanceLabel]: instance.id,
      [sessionLabel]: sessionId,
    },
    Hostname: "sandbox",
    OpenStdin: true,
    // The input ends with the gateway's connection, so a container that waits for code ends with the gateway.
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: network === "none",
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: network,
      ReadonlyRootfs: true,
      Mounts: [
        { Type: "bind", Source: directory, Target: "/workspace", BindOptions: { Propagation: "rprivate" } },
        mountReadOnly(pythonFolder, pythonFolderInside),
        ...folders.map((folder) => mountReadOnly(folder.path, toMountPoint(folder))),
      ],
      Tmpfs: {
        "/tmp": `rw,nosuid,nodev,noexec,size=${temporaryBytes},mode=1777`,
        // This replaces pseudo-terminals, of which the machine has a limited number.
        "/dev/pts": "ro,nosuid,nodev,noexec,size=4096,mode=555",
      },
      ShmSize: sharedMemoryBytes,
      Memory: memory,
      // The limit of memory and swap together, which allows no swap.
      MemorySwap: memory,
      PidsLimit: limits.pids,
      NanoCpus: Math.round(limits.cpus * 1e9),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges", `seccomp=${JSON.stringify(createDockerSeccompProfile())}`],
      Ulimits: [
        { Name: "nofile", Soft: openFiles, Hard: openFiles },
        { Name: "core", Soft: 0, Hard: 0 },
        { Name: "fsize", Soft: fileBytes, Hard: fileBytes },
      ],
      Init: true,
      IpcMode: "private",
      // Otherwise the engine would keep all output on the host's disk.
      LogConfig: { Type: "none", Config: {} },
      RestartPolicy: { Name: "no" },
    },
  }
}

function mountReadOnly(source: string, target: string) {
  return {
    Type: "bind" as const,
    Source: source,
    Target: target,
    ReadOnly: true,
    BindOptions: { Propagation: "rprivate" as const },
  }
}
