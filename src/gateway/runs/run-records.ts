import type { RunRecords } from "../../features/delivery/plugin.ts"
import type { ResolvedRunOptions } from "../../features/headless/run/options.ts"
import type { RunOutput } from "../../features/headless/run/run-output.ts"
import { RunState } from "../../features/headless/run/state.ts"
import { rejectOnAbort } from "../../kernel/agent/reject-on-abort.ts"

/**
 * Returns the records for the deliveries of a process that does one run. `ended` resolves to the output of that run
 * when its state is saved, which is after its deliveries are stored, or to null if there is none.
 */
export function createRunRecords(
  { stateDir, stateFile }: Pick<ResolvedRunOptions, "stateDir" | "stateFile">,
  ended: Promise<RunOutput | null>,
): RunRecords {
  const state = stateDir === undefined ? null : new RunState({ stateDir, stateFile })
  const executed = new Set<string>()
  return {
    expect: (runId) => void executed.add(runId),
    async read(runId, signal) {
      // Rows of other processes do not wait for this run.
      const output = executed.has(runId) ? await rejectOnAbort(signal, ended) : null
      const timedOut = output?.runId === runId && output.timedOut
      return { state: (await state?.read()) ?? null, timedOut }
    },
  }
}
