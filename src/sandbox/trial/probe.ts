import { GatewayError } from "../../core/errors.ts"
import type { CodeLanguage } from "../../core/ports/tools/sandbox.ts"
import { type ExecuteOptions, execute } from "../execute.ts"
import { listFiles } from "../workspace/files.ts"

const timeoutMs = 20_000
const maxOutput = 2000
/** Exit code of the launcher if it cannot enter the working directory. */
const noDirectory = 126
const closedDirectory =
  "the working directory cannot be reached by the user that code runs as; set codeExecution.directory"
const mark = "canary"

const script = `
command -v python3 >/dev/null && python3 -c 'import threading; t = threading.Thread(target=print, args=("python",)); t.start(); t.join()'
command -v node >/dev/null && node -e 'console.log("javascript")'
echo shell
echo written >${mark}
`

/**
 * Runs real code, and resolves to the supported languages. Throws if the code does not run, or if the gateway does
 * not find the files that it writes.
 */
export async function tryBackend(
  options: Pick<ExecuteOptions, "backend" | "workspace" | "session" | "limits" | "guard" | "unfinished">,
): Promise<readonly CodeLanguage[]> {
  const { backend, workspace } = options
  const signal = AbortSignal.timeout(2 * timeoutMs)
  const request = { host: backend.name, language: "shell", code: script, timeoutMs } as const
  const said = { stdout: "", stderr: "" }
  for await (const event of execute({ ...options, request, signal, expectMore: false })) {
    if (event.type === "output") {
      const text = new TextDecoder().decode(event.bytes)
      said[event.stream] = (said[event.stream] + text).slice(0, maxOutput)
    } else if (event.exitCode !== 0) {
      throw createUnusable(
        event.exitCode === noDirectory ? closedDirectory : "a trial run failed",
        `exit code ${event.exitCode} (${event.reason}): ${said.stderr.trim()}`,
      )
    }
  }
  const files = await listFiles(workspace.path)
  if (!files.some(({ path }) => path === mark)) {
    throw createUnusable("what a trial run wrote is not on this machine; is the engine on another one?")
  }
  const lines = said.stdout.split("\n")
  return (["python", "javascript", "shell"] as const).filter((language) => lines.includes(language))
}

function createUnusable(message: string, detail = ""): GatewayError {
  return new GatewayError({ code: "sandbox_unavailable", status: 503 }, message, { detail })
}
