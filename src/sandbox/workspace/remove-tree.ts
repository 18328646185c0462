import { spawn } from "node:child_process"
import { once } from "node:events"

/** `rm` follows no link on its way down, and goes down any depth, which Node's own `rm` does not. */
export async function removeTree(path: string): Promise<void> {
  const child = spawn("rm", ["-rf", "--", path], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin" },
  })
  let problem = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problem = (problem + text).slice(0, 500)
  })
  const [code] = (await once(child, "close")) as [number | null]
  if (code !== 0) throw new Error(`${path} cannot be removed: ${problem.trim()}`)
}
