import { spawn } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { installPrometheus, prometheusProgram, promtoolProgram } from "../../scripts/install-prometheus.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface Prometheus {
  /** Resolves to the samples of a query. Rejects if Prometheus refuses it. */
  query(expression: string): Promise<readonly Sample[]>
}

/** Starts a real Prometheus on loopback with this configuration. It ends with the test. */
export async function startPrometheus(configuration: string): Promise<Prometheus> {
  await installPrometheus()
  const folder = await temporaryFolder()
  await writeFile(join(folder, "prometheus.yaml"), configuration)
  const child = spawn(
    prometheusProgram,
    ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"],
    { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
  )
  const exited = once(child, "exit")
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await exited
  })
  let printed = ""
  const listening = new Promise<string>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed += text
      const [, address] = /msg="Listening on" address=(\S+)/.exec(printed) ?? []
      if (address !== undefined) resolve(`http://${address}`)
    })
  })
  const url = await Promise.race([
    listening,
    exited.then(() => Promise.reject(new Error(`Prometheus did not start:\n${printed}`))),
  ])
  // It listens before it has read its storage.
  await eventually("Prometheus", async () => ((await fetch(`${url}/-/ready`)).ok ? true : null))
  return {
    async query(expression) {
      const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expression })}`)
      const { data, error } = (await response.json()) as {
        readonly data?: { readonly result: readonly Sample[] }
        readonly error?: string
      }
      if (data === undefined) throw new Error(`Prometheus refused ${expression}: ${error}`)
      return data.result
    },
  }
}

/** Runs promtool. Resolves to its exit code and its output. */
export async function runPromtool(
  args: readonly string[],
  { input = "" }: { readonly input?: string } = {},
): Promise<{ readonly code: number; readonly output: string }> {
  await installPrometheus()
  const child = spawn(promtoolProgram, args, { cwd: import.meta.dirname })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  }
  child.stdin.end(input)
  const [code] = await once(child, "close")
  return { code: Number(code), output }
}
