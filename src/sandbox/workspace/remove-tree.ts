import { spawn } from "node:child_process"
import { once } from "node:events"

/**
 * `rm` follows no link on its way down, and goes down any depth, which Node's own `rm` does not. Folders that their
 * owner has closed to itself are opened up if that keeps it from its work.
 */
export async function removeTree(path: string): Promise<void> {
  if ((await run("rm", ["-rf", "--", path])) === "") return
  await run("chmod", ["-R", "u+rwx", "--", path])
  const problem = await run("rm", ["-rf", "--", path])
  if (problem !== "") throw new Error(`${path} cannot be removed: ${problem}`)
}

/** Resolves to what it says when it fails; empty when it does not. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin" },
  })
  let problem = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problem = (problem + text).slice(0, 500)
  })
  const [code] = (await once(child, "close")) as [number | null]
  return code === 0 ? "" : problem.trim() || `${program} failed`
}
