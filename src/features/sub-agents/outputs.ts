import { mkdir, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"

/** The response of a sub-agent with a skill. */
export interface Output {
  /** Name of the skill. */
  readonly skill: string
  /** Id of the call that started the sub-agent. The same response has the same id. */
  readonly id: string
  readonly response: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

export type SaveOutput = (output: Output) => Promise<void>

/**
 * Returns a function that writes each output to a file `DATE-SKILL-ID.md` in the folder. The file is written
 * completely or not at all, and a repeated call replaces it. Failures are logged.
 */
export function createOutputs(folder: string, logger: Logger): SaveOutput {
  return async ({ skill, id, response, at }) => {
    const date = new Date(at).toISOString().slice(0, 10)
    const file = join(folder, `${date}-${toSafeName(skill)}-${toSafeName(id)}.md`)
    try {
      await mkdir(folder, { recursive: true })
      const draft = `${file}.${process.pid}.tmp`
      await writeFile(draft, response)
      await rename(draft, file)
    } catch (thrown) {
      logger.error(
        { error: toError(thrown), file },
        "The output of a sub-agent was not saved. The run continues.",
      )
    }
  }
}

function toSafeName(name: string): string {
  return name.replaceAll(/[^\w-]/g, "_").slice(0, 100)
}
