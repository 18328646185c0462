import { sharedMemoryBytes, temporaryBytes } from "../limits.ts"
import { pythonFolderInside } from "../python-startup.ts"
import { type StagedFolder, toMountPoint } from "../staged-folders.ts"

export interface BubblewrapSetup {
  /** Path of the host's folder that becomes `/workspace`. */
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly folders: readonly StagedFolder[]
  /** The gateway's own Node, which runs JavaScript. */
  readonly node: string
  /** Folder of the module with which Python starts. */
  readonly pythonFolder: string
  readonly network: "none" | "host"
  /**
   * If true, this process is root: the sandbox is built without a user namespace, and switches to another user
   * inside.
   */
  readonly asRoot: boolean
  /** Number of the open file from which bubblewrap reads the filter. */
  readonly seccompFile: number
}

export const sandboxPath = "/opt/node/bin:/usr/local/bin:/usr/bin:/bin"

/**
 * Returns the arguments with which bubblewrap builds the sandbox:
 * https://github.com/containers/bubblewrap/blob/main/bwrap.xml
 */
export function createBubblewrapArguments(setup: BubblewrapSetup): readonly string[] {
  return [
    ...listNamespaces(setup),
    // When the gateway ends, everything in the sandbox ends.
    ...["--die-with-parent", "--new-session", "--clearenv"],
    ...Object.entries(setup.env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...setup.folders.flatMap((folder) => ["--setenv", folder.variable, toMountPoint(folder)]),
    ...["--cap-drop", "ALL"],
    // These are only needed to switch to another user, which drops them again.
    ...(setup.asRoot ? ["SETUID", "SETGID", "SETPCAP"].flatMap((name) => ["--cap-add", `CAP_${name}`]) : []),
    ...["--ro-bind", "/usr", "/usr"],
    ...["--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"],
    ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"],
    ...["--perms", "0755", "--dir", "/etc"],
    ...["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
    ...["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
    ...(setup.network === "host" ? networkFiles : []),
    ...["--perms", "0755", "--dir", "/opt", "--perms", "0755", "--dir", "/opt/node"],
    ...["--perms", "0755", "--dir", "/opt/node/bin", "--ro-bind", setup.node, "/opt/node/bin/node"],
    ...["--ro-bind", setup.pythonFolder, pythonFolderInside],
    ...["--proc", "/proc", "--perms", "0755", "--dir", "/dev", ...devices],
    ...["--size", String(temporaryBytes), "--perms", "1777", "--tmpfs", "/tmp"],
    ...["--size", String(sharedMemoryBytes), "--perms", "1777", "--tmpfs", "/dev/shm"],
    ...["--bind", setup.workspace, "/workspace"],
    ...["--perms", "0755", "--dir", "/mnt"],
    ...setup.folders.flatMap((folder) => ["--ro-bind", folder.path, toMountPoint(folder)]),
    ...["--remount-ro", "/"],
    ...["--seccomp", String(setup.seccompFile)],
  ]
}

/**
 * bubblewrap's own `--dev` is not used, because it has pseudo-terminals, and the machine has a limited number of
 * them.
 */
const devices = [
  ...["null", "zero", "full", "random", "urandom"].flatMap((name) => {
    return ["--dev-bind", `/dev/${name}`, `/dev/${name}`]
  }),
  ...["--symlink", "/proc/self/fd", "/dev/fd"],
  ...["stdin", "stdout", "stderr"].flatMap((name, number) => {
    return ["--symlink", `/proc/self/fd/${number}`, `/dev/${name}`]
  }),
]

const networkFiles = ["resolv.conf", "hosts", "nsswitch.conf", "ssl", "ca-certificates"].flatMap((name) => {
  return ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]
})

function listNamespaces({ asRoot, network }: BubblewrapSetup): readonly string[] {
  const kinds = asRoot
    ? ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net"]
    : ["--unshare-all"]
  if (network === "none") return kinds
  return asRoot ? kinds.filter((kind) => kind !== "--unshare-net") : [...kinds, "--share-net"]
}
