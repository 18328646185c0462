import type { Json } from "../../../core/json/json.ts"
import type { Runner, RunnerEvent, RunnerRequest, RunnerToolCall } from "../../../core/runs/runner.ts"
import { createAgentError } from "../failure.ts"
import { listOf, parseInput, readFields, toJsonValue } from "../fields.ts"
import { createAskedCall, type RunnerOptions } from "../runner-options.ts"
import { createMissingResults, toGraphMessages } from "./graph-messages.ts"
import { createGraphReader, type Interrupt } from "./graph-reader.ts"
import { type InterruptQuestion, readQuestions, resumeValueOf } from "./interrupts.ts"

/**
 * A compiled graph whose state has `messages`. Interrupts need a checkpointer. To outlive the process, it must be
 * durable.
 */
export interface LangGraph {
  readonly checkpointer?: unknown
  stream(input: never, config: never): Promise<AsyncIterable<unknown>>
  getState(config: never): Promise<{ readonly values: unknown; readonly next: readonly string[] }>
}

export interface LangGraphOptions extends RunnerOptions {
  /** The class of `@langchain/langgraph`. */
  readonly Command: new (command: {
    resume: Record<string, unknown>
  }) => object
  /** Returns the configuration of each invocation, merged with the thread, the signal and the stream modes. */
  readonly config?: (request: RunnerRequest) => { readonly configurable?: object }
  /** Returns the questions of an interrupt's value. Default: `readQuestions`. */
  readonly questions?: (value: Json) => readonly InterruptQuestion[]
  /**
   * Returns the value of `interrupt()`, by the decisions on its questions in their order. Default: `resumeValueOf`.
   */
  readonly resumeValue?: (decisions: RunnerRequest["decisions"], value: Json) => unknown
}

/** State to store while an interrupt is open. The rest is in the graph's own checkpoint. */
interface Saved {
  readonly interrupts: readonly (Interrupt & { readonly callIds: readonly string[] })[]
  readonly openCalls: readonly RunnerToolCall[]
}

/**
 * Runs a LangGraph graph, 1.x. The thread is the session. An `interrupt()` becomes an approval, and its answer
 * resumes the graph. After a crash the graph continues from its last checkpoint: it repeats the work of nodes after
 * that checkpoint.
 */
export function langGraphRunner(graph: LangGraph, options: LangGraphOptions): Runner {
  return async function* (request) {
    try {
      yield* runGraph(graph, options, request)
    } catch (thrown) {
      throw createAgentError(thrown)
    }
  }
}

async function* runGraph(
  graph: LangGraph,
  options: LangGraphOptions,
  request: RunnerRequest,
): AsyncIterable<RunnerEvent> {
  const { sessionId, signal, decisions } = request
  const own = options.config?.(request) ?? {}
  const configurable = { ...own.configurable, thread_id: sessionId }
  const config = { ...own, configurable, signal, streamMode: ["messages", "updates"] }
  const saved = readSaved(decisions.length === 0 ? null : request.state)
  const input =
    decisions.length === 0
      ? await createFirstInput(graph, config, request)
      : createCommand(saved, options, request)
  const reader = createGraphReader(options, saved.openCalls)
  yield* listAnswersWithoutCall(saved, request)
  for await (const chunk of await graph.stream(input as never, config as never)) yield* reader.read(chunk)
  signal.throwIfAborted()
  if (reader.interrupts.length === 0) return
  const openCalls = reader.openCalls()
  const asked = reader.interrupts.map((interrupt) => createQuestions(interrupt, openCalls, options))
  const interrupts = asked.map(({ interrupt, questions }) => ({
    ...interrupt,
    callIds: questions.map(({ id }) => id),
  }))
  yield { type: "state", state: toJsonValue({ interrupts, openCalls } satisfies Saved) }
  for (const { questions } of asked) yield* questions
}

/**
 * Returns the input that starts or continues the thread. If the graph has a memory, the thread remembers earlier
 * messages.
 */
async function createFirstInput(
  graph: LangGraph,
  config: object,
  { messages, reason }: RunnerRequest,
): Promise<object | null> {
  const thread = graph.checkpointer ? await graph.getState(config as never) : null
  if (reason === "resume" && thread !== null && thread.next.length > 0) return null
  const known = readFields(thread?.values).messages
  if (listOf(known).length === 0) return { messages: toGraphMessages(messages) }
  const asked = messages.findLastIndex(({ role }) => role === "user")
  return { messages: [...createMissingResults(known), ...toGraphMessages(messages.slice(asked, asked + 1))] }
}

function createCommand(saved: Saved, options: LangGraphOptions, { decisions }: RunnerRequest): object {
  const { resumeValue = resumeValueOf } = options
  const decided = new Map(decisions.map((decision) => [decision.id, decision]))
  const resume = saved.interrupts.map(({ id, value, callIds }) => {
    const ofInterrupt = callIds.flatMap((callId) => decided.get(callId) ?? [])
    return [id, resumeValue(ofInterrupt, value)] as const
  })
  return new options.Command({ resume: Object.fromEntries(resume) })
}

/** Yields results for interrupts without a tool call. The answer is their result. */
function* listAnswersWithoutCall({ openCalls }: Saved, { decisions }: RunnerRequest): Iterable<RunnerEvent> {
  for (const { id, editedInput: input } of decisions) {
    if (openCalls.some((call) => call.id === id)) continue
    yield { type: "toolResult", id, result: { type: "json", value: { approved: true, input } } }
  }
}

function createQuestions(
  interrupt: Interrupt,
  openCalls: readonly RunnerToolCall[],
  options: LangGraphOptions,
): { readonly interrupt: Interrupt; readonly questions: readonly RunnerToolCall[] } {
  const taken = new Set<string>()
  const questions = (options.questions ?? readQuestions)(interrupt.value).map((question, index) => {
    const free = openCalls.filter(({ id }) => !taken.has(id))
    const id = callIdOf(question, free) ?? `${interrupt.id}.${index}`
    taken.add(id)
    return createAskedCall(options, { ...question, id })
  })
  return { interrupt, questions }
}

function callIdOf(
  { toolCallId, name, input }: InterruptQuestion,
  calls: readonly RunnerToolCall[],
): string | undefined {
  const told = calls.find(({ id }) => id === toolCallId)
  if (told !== undefined) return told.id
  const named = calls.filter((call) => call.name === name)
  const same = named.find((call) => JSON.stringify(call.input) === JSON.stringify(input))
  return (same ?? (named.length === 1 ? named[0] : undefined))?.id
}

function readSaved(state: Json): Saved {
  const { interrupts, openCalls } = readFields(state)
  return {
    interrupts: listOf(interrupts).map((interrupt) => {
      const { id, value, callIds } = readFields(interrupt)
      return { id: String(id), value: toJsonValue(value), callIds: listOf(callIds).map(String) }
    }),
    openCalls: listOf(openCalls).map((call) => {
      const { id, name, input } = readFields(call)
      return { type: "toolCall", id: String(id), name: String(name), input: parseInput(input) }
    }),
  }
}
