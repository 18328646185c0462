import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { ConfigurationError } from "../../../core/errors.ts"
import { findProgram } from "./find-program.ts"

/**
 * The start of a new process: a shell script whose arguments are the folders of its control groups, `--` and a
 * command.
 */
export interface Starter {
  readonly shell: readonly [string, ...string[]]
  readonly script: string
}

/** The process joins its groups before it becomes the command, so no part of the command runs outside. */
const join = `while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"`

/**
 * Prepares the script. Files that the gateway's parent process left open would be open to all code too, and Node
 * cannot close them, so the script does. Throws a `ConfigurationError` if this requires bash and there is none.
 */
export async function prepareStarter(): Promise<Starter> {
  const files = await listInheritedFiles()
  const script = [...files.map((file) => `exec ${file}>&-`), join].join("\n")
  // A plain shell only supports file numbers of one digit.
  if (files.every((file) => file < 10)) return { shell: ["/bin/sh"], script }
  const bash = await findProgram("bash")
  if (bash !== undefined) return { shell: [bash, ...withoutFiles], script }
  throw new ConfigurationError(`bash is needed to close the open files ${files.join(", ")} of the gateway.`)
}

/** Without this, bash treats a socket as input for a remote login, and runs root's own `.bashrc`. */
const withoutFiles = ["--norc", "--noprofile"]

/**
 * Returns the files that any child inherits in addition to the three standard streams. The listing itself adds one.
 */
async function listInheritedFiles(): Promise<readonly number[]> {
  const script = "cd /proc/self/fd; for file in *; do if [ -e $file ]; then echo $file; fi; done"
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script], { env: {} })
  return stdout
    .split("\n")
    .map(Number)
    .filter((file) => file > 2)
}
