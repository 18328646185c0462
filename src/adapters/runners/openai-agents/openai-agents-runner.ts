import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { Runner, RunnerDecision, RunnerRequest, RunnerToolCall } from "../../../core/runs/runner.ts"
import { createAgentError } from "../failure.ts"
import { listOf, parseInput, readFields, readText, toJsonValue } from "../fields.ts"
import { createAskedCall, describeRefusedEdit, formatDenial, type RunnerOptions } from "../runner-options.ts"
import { toInputItems } from "./input-items.ts"
import { createEventReader, type OpenAiAgentsEvent } from "./stream-events.ts"

/** The part of `@openai/agents` that the adapter uses: `{ run, RunState }`, imported by the application. */
export interface OpenAiAgentsSdk<Agent> {
  /** `run` of the SDK, or of a custom `Runner`, which can set `context` and `maxTurns`. */
  run(agent: Agent, input: never, options: RunSettings): Promise<StreamedRun>
  readonly RunState: { fromString(agent: Agent, text: string): Promise<ResumableState> }
}

interface RunSettings {
  readonly stream: true
  readonly signal: AbortSignal
}

interface StreamedRun extends AsyncIterable<OpenAiAgentsEvent> {
  readonly completed: Promise<void>
  readonly interruptions: readonly object[]
  readonly state: { toString(): string }
}

interface ResumableState {
  getInterruptions(): readonly object[]
  approve(interruption: never): void
  reject(interruption: never, options: { readonly message: string }): void
}

/**
 * Runs an agent of the OpenAI Agents SDK, 0.20. Its interruptions become approvals, and its `RunState` is stored
 * while they are open. After a crash it starts again from the conversation, which contains the completed work and the
 * unknown outcomes.
 */
export function openAiAgentsRunner<Agent>(
  agent: Agent,
  options: OpenAiAgentsSdk<NoInfer<Agent>> & RunnerOptions,
): Runner {
  return async function* (request) {
    const read = createEventReader(options)
    try {
      const input =
        request.decisions.length === 0
          ? toInputItems(request.messages)
          : await restoreDecided(agent, options, request)
      const { signal } = request
      const run = await options.run(agent, input as never, { stream: true, signal })
      for await (const event of run) yield* read(event)
      await run.completed
      if (run.interruptions.length === 0) return
      yield { type: "state", state: toJsonValue(JSON.parse(run.state.toString())) }
      yield* run.interruptions.map((interruption) => toQuestion(interruption, options))
    } catch (thrown) {
      throw createAgentError(thrown)
    }
  }
}

/** Returns the run's state with the decisions. An undecided call interrupts the run again. */
async function restoreDecided<Agent>(
  agent: Agent,
  { RunState }: OpenAiAgentsSdk<Agent>,
  request: RunnerRequest,
): Promise<ResumableState> {
  const decisions = new Map(request.decisions.map((decision) => [decision.id, decision]))
  const edits = new Map(
    request.decisions.flatMap(({ id, editedInput }) => (editedInput ? [[id, editedInput]] : [])),
  )
  const edited = editCalls(request.state, edits)
  const state = await RunState.fromString(agent, JSON.stringify(edited.state))
  for (const interruption of state.getInterruptions()) {
    const decision = decisions.get(readId(interruption))
    if (decision === undefined) continue
    const message = findRefusal(decision, edited.missing)
    if (message === null) state.approve(interruption as never)
    else state.reject(interruption as never, { message })
  }
  return state
}

function findRefusal(decision: RunnerDecision, uneditable: ReadonlySet<string>): string | null {
  if (!decision.approved) return formatDenial(decision)
  return uneditable.has(decision.id) ? describeRefusedEdit(decision) : null
}

function toQuestion(interruption: object, options: RunnerOptions): RunnerToolCall {
  const { name, arguments: input, agent } = readFields(interruption)
  const tool = listOf(readFields(agent).tools).find((candidate) => readFields(candidate).name === name)
  const parameters = toJsonValue(readFields(tool).parameters)
  return createAskedCall(options, {
    id: readId(interruption),
    name: readText(name) ?? "tool",
    input: parseInput(input),
    inputSchema: isJsonObject(parameters) ? parameters : undefined,
  })
}

function readId(interruption: object): string {
  const { callId, id } = readFields(readFields(interruption).rawItem)
  return readText(callId) ?? readText(id) ?? "call"
}

/**
 * Edits the arguments of these calls in a serialized `RunState`, wherever it has them, so that the model sees the
 * executed arguments. `missing` are calls that are not found there, because another agent uses their agent as its
 * tool.
 */
function editCalls(
  state: Json,
  edits: ReadonlyMap<string, JsonObject>,
): { readonly state: Json; readonly missing: ReadonlySet<string> } {
  const missing = new Set(edits.keys())
  const edit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(edit)
    if (!isJsonObject(value)) return value
    const copy = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, edit(field)]))
    const input = typeof value.callId === "string" ? edits.get(value.callId) : undefined
    if (input === undefined || value.type !== "function_call") return copy
    missing.delete(String(value.callId))
    return { ...copy, arguments: JSON.stringify(input) }
  }
  return { state: edits.size === 0 ? state : edit(state), missing }
}
