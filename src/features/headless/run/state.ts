import { join } from "node:path"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import { loadState, mergeState, updateState } from "../../../platform/state-files/state-file.ts"
import { extractStateUpdate, stateHeading } from "../../../platform/state-files/state-update.ts"
import { truncate } from "./format-run-summary.ts"
import { type RunOutput, runOutputOutcome } from "./run-output.ts"

/** Maximum bytes of the file. The model sees all of it. */
const maxBytes = 128 * 1024
/** Number of runs whose updates the file remembers, so that none is merged twice. */
const rememberedRuns = 50
/** A key that is hidden from the model. */
const appliedRuns = "_applied_runs"

/** The state file of a run without a client. */
export class RunState {
  readonly #path: string

  constructor({ stateDir, stateFile }: { readonly stateDir: string; readonly stateFile: string }) {
    this.#path = join(stateDir, stateFile)
  }

  async read(): Promise<JsonObject> {
    const { [appliedRuns]: _, ...state } = await loadState(this.#path, { maxBytes })
    return state
  }

  /** Returns the text for the model: the state of earlier runs, and how to change it. */
  async note(): Promise<string> {
    const state = await this.read()
    return [
      "## STATE",
      "The state that earlier runs left behind, as JSON:",
      "```json",
      JSON.stringify(state, null, 2),
      "```",
      `To change the state, end your response with the heading \`${stateHeading}\` and one fenced ` +
        "JSON object below it. " +
        "Its keys replace the same keys of the state, and null removes a key.",
    ].join("\n")
  }

  /**
   * Merges the update in the response and the automatic fields into the file, once for each run, however often it is
   * called. Resolves to a warning about an update that cannot be used, or null.
   */
  async save(output: RunOutput): Promise<string | null> {
    const found = extractStateUpdate(output.response)
    const update = found.type === "update" ? found.update : {}
    await updateState(
      this.#path,
      (state) => {
        const applied = listAppliedRuns(state)
        if (output.runId !== null && applied.includes(output.runId)) return state
        const remembered = [...applied, ...(output.runId === null ? [] : [output.runId])].slice(
          -rememberedRuns,
        )
        return {
          ...mergeState(removeForeignFields(state), update),
          ...createAutomaticFields(state, output),
          [appliedRuns]: remembered,
        }
      },
      { maxBytes },
    )
    return found.type === "invalid" ? found.problem : null
  }
}

/** Fields that the Python package 0.5.3 sets after each run and this one does not, so they would go stale. */
const foreignFields = new Set(["briefing_file", "connected_servers", "active_servers"])

/** Removes such fields from a state that the Python package wrote. */
function removeForeignFields(state: JsonObject): JsonObject {
  const isForeign =
    !Object.hasOwn(state, appliedRuns) && [...foreignFields].every((name) => Object.hasOwn(state, name))
  if (!isForeign) return state
  return Object.fromEntries(Object.entries(state).filter(([name]) => !foreignFields.has(name)))
}

function listAppliedRuns(state: JsonObject): readonly Json[] {
  const applied = state[appliedRuns]
  return Array.isArray(applied) ? (applied as readonly Json[]) : []
}

const maxSummary = 1500

/** Returns the fields that each run sets, whatever the model's update contains. */
function createAutomaticFields(state: JsonObject, output: RunOutput): JsonObject {
  const { usage, endedAt } = output
  const outcome = runOutputOutcome(output)
  return {
    last_run: new Date(endedAt ?? Date.now()).toISOString(),
    outcome,
    error: output.error,
    timed_out: output.timedOut,
    budget_exceeded: output.budgetExceeded,
    max_turns_reached: output.maxTurnsReached,
    model: output.model,
    tools_used: output.toolsUsed,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_creation_input_tokens: usage.cacheCreationInputTokens,
      cache_read_input_tokens: usage.cacheReadInputTokens,
      cost_usd: output.cost,
    },
    last_summary: truncate(removeUpdate(output.response), maxSummary),
    run_count: countIn(state, "run_count") + 1,
    failure_count: countIn(state, "failure_count") + (outcome === "success" ? 0 : 1),
  }
}

function countIn(state: JsonObject, name: string): number {
  const count = state[name]
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : 0
}

/** Removes the update, which is not a summary. */
function removeUpdate(response: string): string {
  const at = response.lastIndexOf(stateHeading)
  return (at === -1 ? response : response.slice(0, at)).trim()
}
