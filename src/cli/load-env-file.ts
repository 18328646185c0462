import { join } from "node:path"
import { loadEnvFile } from "node:process"

/** Commands that load an agent's file. The file may read the environment. */
const commands = new Set(["dev", "start", "run", "heartbeat", "chat", "mcp", "doctor"])

/**
 * Adds the variables of the `.env` file in the working directory to the environment, for commands that load an agent.
 * Existing variables take precedence. Throws if there is such a file and it cannot be read.
 */
export function loadEnvFileFor(command: string | undefined, cwd: string): void {
  if (command === undefined || !commands.has(command)) return
  try {
    loadEnvFile(join(cwd, ".env"))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
}
