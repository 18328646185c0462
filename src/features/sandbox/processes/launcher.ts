import type { CodeLanguage } from "../../../core/ports/tools/sandbox.ts"
import type { SandboxLimits } from "../limits.ts"
import { cacheFolder } from "../workspace/cache-folder.ts"

/**
 * The program that runs first in every sandbox, with the working directory as its argument. It reads the language,
 * environment variables and the code from its input, and becomes that code. Code and variables are therefore never on
 * a command line of the host, and a container can wait for them. `timeout` ends it even if the gateway is gone by
 * then. For JavaScript the soft memory limit becomes the hard one. For other languages the hard limit becomes the
 * soft one; see `createProcessLimits`. Python starts with the module of `python-startup.ts`.
 */
const script = `
IFS= read -r language || exit 125
while IFS= read -r variable && [ -n "$variable" ]; do
  variable=$(printf '%bx' "$variable")
  export "\${variable%x}"
done
code=$(cat; printf x)
code=\${code%x}
cd "$1" || exit 126
export PYTHONPATH="$3\${PYTHONPATH:+:$PYTHONPATH}"
[ "$language" = javascript ] || ulimit -H -d "$(ulimit -S -d)"
case $language in
python) set -- "$2" "$4" -c "$code" ;;
javascript) ulimit -S -d "$(ulimit -H -d)"; set -- "$2" node -e "$code" ;;
shell) if command -v bash >/dev/null; then set -- "$2" bash -c "$code"; else set -- "$2" sh -c "$code"; fi ;;
*) exit 125 ;;
esac
seconds=$1
shift
unset language code variable
exec timeout -s KILL "$seconds" "$@" </dev/null
`

/** Additional seconds, so that the gateway's own timeout, which reports the reason, comes first. */
const graceSeconds = 30

export interface LauncherSetup {
  /** The working directory. */
  readonly directory: string
  /** The folder of the module with which Python starts. */
  readonly pythonFolder: string
  /** The program that runs Python code. Default `python3`. */
  readonly python?: string
  readonly limits: SandboxLimits
}

export function createLauncherCommand({
  directory,
  pythonFolder,
  python = "python3",
  limits,
}: LauncherSetup): readonly string[] {
  const seconds = Math.ceil(limits.maxTimeoutMs / 1000) + graceSeconds
  return ["/bin/sh", "-c", script, "sh", directory, String(seconds), pythonFolder, python]
}

export function createLauncherInput({
  language,
  code,
  env = {},
}: {
  readonly language: CodeLanguage
  readonly code: string
  readonly env?: Readonly<Record<string, string>> | undefined
}): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${escapeLine(value)}\n`)
  return `${language}\n${variables.join("")}\n${code}`
}

/** Escapes a text for `printf %b`. */
function escapeLine(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
}

/** Returns the environment of all code, without the variables of the application. */
export function createBaseEnvironment({
  home,
  path,
  temporary,
  limits,
}: {
  readonly home: string
  readonly path: string
  readonly temporary: string
  readonly limits: SandboxLimits
}): Readonly<Record<string, string>> {
  const threads = String(Math.max(1, Math.ceil(limits.cpus)))
  return {
    PATH: path,
    HOME: home,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    PYTHONUNBUFFERED: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    MPLBACKEND: "Agg",
    MPLCONFIGDIR: `${home}/${cacheFolder}/matplotlib`,
    // Numeric libraries start a thread for each processor of the machine, even if they may only use a few.
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
  }
}
