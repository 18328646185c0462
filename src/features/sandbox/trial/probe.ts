import { GatewayError } from "../../../core/errors.ts"
import type { CodeLanguage, ExitStatus } from "../../../core/ports/tools/sandbox.ts"
import type { Backend } from "../backend.ts"
import { type ExecuteOptions, execute } from "../execute.ts"
import { listFiles } from "../workspace/files.ts"

const timeoutMs = 20_000
const maxOutput = 2000
/** Exit code of the launcher if it cannot enter the working directory. */
const noDirectory = 126
const closedDirectory =
  "the working directory cannot be reached by the user that code runs as; set codeExecution.directory"
const mark = "canary"

const javascript = 'console.log("javascript")'
const createScript = ({ python = "python3" }: Backend) => `
python='${python.replaceAll("'", "'\\''")}'
command -v "$python" >/dev/null && "$python" -c 'import threading; t = threading.Thread(target=print, args=("python",)); t.start(); t.join()'
if command -v node >/dev/null; then node -e '${javascript}' || echo node; fi
echo shell
echo written >${mark}
`

type ProbeOptions = Pick<
  ExecuteOptions,
  "backend" | "workspace" | "session" | "limits" | "guard" | "unfinished"
>

/**
 * Runs real code, and resolves to the supported languages. Throws if the code does not run, or if the gateway does
 * not find the files that it writes.
 */
export async function tryBackend(options: ProbeOptions): Promise<readonly CodeLanguage[]> {
  const { exit, stdout, stderr } = await runTrial(options, "shell", createScript(options.backend))
  if (exit.exitCode !== 0) {
    throw createUnusable(
      exit.exitCode === noDirectory ? closedDirectory : "a trial run failed",
      `exit code ${exit.exitCode} (${exit.reason}): ${stderr.trim()}`,
    )
  }
  const files = await listFiles(options.workspace.path)
  if (!files.some(({ path }) => path === mark)) {
    throw createUnusable("what a trial run wrote is not on this machine; is the engine on another one?")
  }
  const lines = stdout.split("\n")
  // Without control groups, shell code has less address space than Node needs. JavaScript code has more.
  if (lines.includes("node"))
    lines.push(...(await runTrial(options, "javascript", javascript)).stdout.split("\n"))
  return (["python", "javascript", "shell"] as const).filter((language) => lines.includes(language))
}

async function runTrial(
  options: ProbeOptions,
  language: CodeLanguage,
  code: string,
): Promise<{ readonly exit: ExitStatus; readonly stdout: string; readonly stderr: string }> {
  const signal = AbortSignal.timeout(2 * timeoutMs)
  const request = { host: options.backend.name, language, code, timeoutMs }
  const said = { stdout: "", stderr: "" }
  for await (const event of execute({ ...options, request, signal, expectMore: false })) {
    if (event.type === "exit") return { exit: event, ...said }
    const text = new TextDecoder().decode(event.bytes)
    said[event.stream] = (said[event.stream] + text).slice(0, maxOutput)
  }
  throw createUnusable("a trial run did not end")
}

function createUnusable(message: string, detail = ""): GatewayError {
  return new GatewayError({ code: "sandbox_unavailable", status: 503 }, message, { detail })
}
