import { spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { createInterface } from "node:readline"
import type { CliContext } from "../../cli-context.ts"

export interface DevKeys {
  restart(): void
  open(): void
  quit(): void
}

export const keysHelp = "Type r and Enter to restart, o and Enter to open the console, q and Enter to quit."

/**
 * Reads commands of one letter from the terminal. It reads lines, because a terminal would stay in raw mode if this
 * process were killed. Returns a function that stops reading. Null if no person can type.
 */
export async function readKeys(context: CliContext, keys: DevKeys): Promise<(() => void) | null> {
  const { stdin, stdout } = context
  if (stdin.isTTY !== true || !(await isInForeground())) return null
  const lines = createInterface({ input: stdin })
  lines.on("line", (line) => {
    switch (line.trim().toLowerCase()) {
      case "r":
        return keys.restart()
      case "o":
        return keys.open()
      case "q":
        return keys.quit()
      case "":
        return
      default:
        stdout.write(`${keysHelp}\n`)
    }
  })
  return () => lines.close()
}

/**
 * Returns true if the process is in the foreground. The system stops a background process that reads from the
 * terminal (`agent-gateway dev agent.ts &`). Only on Linux can this be found out without another program. On other
 * systems the process counts as in the foreground.
 */
async function isInForeground(): Promise<boolean> {
  const stat = await readFile("/proc/self/stat", "utf8").catch(() => null)
  if (stat === null) return true
  // The name in parentheses may contain spaces. After it come the state, the parent, the process group, the session,
  // the terminal and the process group in the terminal's foreground.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return group === foreground
}

/** Opens the address in the person's browser. Prints it if that is not possible. */
export function openInBrowser(url: string, { stdout }: CliContext): void {
  const [command, ...args] = browserCommands[process.platform] ?? ["xdg-open"]
  const child = spawn(command, [...args, url], { stdio: "ignore", detached: true })
  child.on("error", () => stdout.write(`Open ${url} in a browser.\n`))
  child.unref()
}

const browserCommands: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
}
