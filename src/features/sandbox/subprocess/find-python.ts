import { execFile } from "node:child_process"
import { delimiter, isAbsolute, join, resolve } from "node:path"
import { promisify } from "node:util"
import { ConfigurationError, toError } from "../../../core/errors.ts"

export interface FindPythonOptions {
  /** The option `python`: a path or a name. */
  readonly python: string | undefined
  /** The folders in which programs are searched, as in `PATH`. */
  readonly searchPath: string
  /** The command that runs another command with the rights of code. */
  readonly asCode: readonly string[]
}

/**
 * Returns the path of the program that runs Python code, or null if there is none. Launchers that choose a program,
 * such as those of pyenv, are replaced by their choice. Throws a `ConfigurationError` if the option `python` names a
 * program that code cannot run.
 */
export async function findPython({ python, searchPath, asCode }: FindPythonOptions): Promise<string | null> {
  let problem = "it was not found"
  for (const candidate of listCandidates(python ?? "python3", searchPath)) {
    try {
      return await resolveProgram([...asCode, candidate], searchPath)
    } catch (error) {
      problem = toError(error).message
    }
  }
  if (python === undefined) return null
  throw new ConfigurationError("code cannot start the program that codeExecution.python names", {
    detail: `${python}: ${problem}`,
  })
}

/** A relative folder of the search path depends on the working directory, and is left out. */
function listCandidates(program: string, searchPath: string): readonly string[] {
  if (program.includes("/")) return [resolve(program)]
  const folders = searchPath.split(delimiter).filter(isAbsolute)
  return [...new Set(folders)].map((folder) => join(folder, program))
}

const timeout = 10_000
const script = "import sys; print(sys.executable)"

/** Rejects if the program cannot be run, or is not Python. */
async function resolveProgram(command: readonly string[], searchPath: string): Promise<string> {
  const [program = "", ...options] = [...command, "-I", "-c", script]
  const env = { PATH: searchPath, LANG: "C.UTF-8" }
  const { stdout } = await promisify(execFile)(program, options, { env, timeout, killSignal: "SIGKILL" })
  const path = stdout.trim()
  if (!isAbsolute(path)) throw new Error("it is not Python")
  return path
}
