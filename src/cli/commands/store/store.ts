import { parseArgs } from "node:util"
import { setStorePause } from "../../../gateway/operate/pause-store.ts"
import { expectPositionals } from "../../arguments.ts"
import type { CliContext } from "../../cli-context.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"

const texts = {
  restore: {
    done:
      "The store is paused. A gateway that starts on it is not ready, and starts no run, delivery or schedule.\n" +
      "Look at `sessions list`, `outbox list` and `schedules list`, remove what must not happen, and then run\n" +
      "`store resume`.\n",
    unchanged: "The store was paused already.\n",
  },
  resume: {
    done: "The store is resumed. Gateways on it start its runs, deliveries and schedules within a second.\n",
    unchanged: "The store was not paused.\n",
  },
} as const

type Action = keyof typeof texts

/** `store restore|resume` pauses a store that was restored from a backup, and resumes it. */
export async function runStoreCommand({ argv, stdout }: CliContext): Promise<number> {
  const options = { store: { type: "string" }, verbose: { type: "boolean" } } as const
  const { values, positionals } = parseUsage("store", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options }),
  )
  const [action] = positionals
  if (!isAction(action)) {
    throw new UsageError(
      `${describeActionProblem("store", action)}; usage: agent-gateway store restore|resume`,
    )
  }
  expectPositionals("store", positionals, ["ACTION"])
  const isChanged = await setStorePause(action === "restore", values.store)
  stdout.write(isChanged ? texts[action].done : texts[action].unchanged)
  return exitCodes.success
}

function isAction(action: string | undefined): action is Action {
  return action !== undefined && Object.hasOwn(texts, action)
}
