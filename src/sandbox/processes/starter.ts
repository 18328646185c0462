import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { ConfigurationError } from "../../core/errors.ts"
import { findProgram } from "./find-program.ts"

/** The first thing that a new process is: a shell script with the folders of its control groups, `--` and a command. */
export interface Starter {
  readonly shell: readonly [string, ...string[]]
  readonly script: string
}

/** It joins its groups before it becomes the command, so nothing of that is ever outside. */
const join = `while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"`

/**
 * Files that whoever started the gateway left open to it would be open to all code too, and Node cannot close them: the
 * script does. Throws a `ConfigurationError` if that takes bash and there is none.
 */
export async function prepareStarter(): Promise<Starter> {
  const files = await inheritedFiles()
  const script = [...files.map((file) => `exec ${file}>&-`), join].join("\n")
  // A plain shell only knows files of one digit.
  if (files.every((file) => file < 10)) return { shell: ["/bin/sh"], script }
  const bash = await findProgram("bash")
  if (bash !== undefined) return { shell: [bash, ...withoutFiles], script }
  throw new ConfigurationError(`bash is needed to close the open files ${files.join(", ")} of the gateway.`)
}

/** Bash takes a socket as its input for a login from afar, and would run root's own `.bashrc`. */
const withoutFiles = ["--norc", "--noprofile"]

/** Returns the files that any child finds open beyond the usual three. The listing itself is one more. */
async function inheritedFiles(): Promise<readonly number[]> {
  const script = "cd /proc/self/fd; for file in *; do if [ -e $file ]; then echo $file; fi; done"
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script], { env: {} })
  return stdout
    .split("\n")
    .map(Number)
    .filter((file) => file > 2)
}
