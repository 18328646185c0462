import { accumulateResponse } from "openai/lib/responses/ResponseAccumulator"
import type { Response, ResponseStreamEvent } from "openai/resources/responses/responses"
import { expect, it } from "vitest"
import type { Entry } from "../../../src/core/log/entries.ts"
import type { Wire } from "../../../src/http/streams/wire.ts"
import { chatWire, openChatStream } from "../../../src/wires/openai/chat/wire.ts"
import { segmentWire } from "../../../src/wires/openai/responses/fold.ts"
import { type ResponseState, startResponse } from "../../../src/wires/openai/responses/state.ts"
import { responsesWire, responsesWireAfter } from "../../../src/wires/openai/responses/wire.ts"
import { longOrShort } from "../../long-tests.ts"
import { createRandomLog, dropDeltas, type RandomLog } from "../fixtures/random-log.ts"
import { renderLog } from "../fixtures/render-log.ts"
import { createClient } from "./support/gateway.ts"

const seeds = Array.from({ length: longOrShort(500, 50) }, (_, index) => index + 1)

/** Returns the events of a response as its stream has them. */
function show(entries: readonly Entry[], { after = -1, segment = null as string | null } = {}) {
  const wire: Wire<ResponseState> = after === -1 ? responsesWire : responsesWireAfter(after)
  const place = { sessionId: "sess_1", runId: "run_1", segment, isStored: true }
  const text = renderLog(wire, { entries, state: startResponse(place), end: { type: "complete" } })
  return text.split("\n\n").slice(0, -1)
}

const parse = (event: string): ResponseStreamEvent => JSON.parse(event.slice(event.indexOf("{")))
const numberOf = (event: string) => parse(event).sequence_number

/** Returns the response that the library makes of the events. It throws if they are not in order. */
function accumulate(events: readonly string[]): Response {
  return events.map(parse).reduce<Response | undefined>((response, event) => {
    return accumulateResponse(event, response)
  }, undefined) as Response
}

it("has the same events after each number, with numbers that increase", () => {
  for (const seed of seeds) {
    const { entries } = createRandomLog(seed)
    const whole = show(entries)
    const numbers = whole.map(numberOf)
    expect([seed, numbers]).toEqual([seed, [...new Set(numbers)].toSorted((one, other) => one - other)])
    for (const [index, after] of numbers.entries())
      expect([seed, after, show(entries, { after })]).toEqual([seed, after, whole.slice(index + 1)])
  }
})

it("is the same response for the library, whatever was dropped of the log after any event", () => {
  for (const seed of seeds) {
    const log = createRandomLog(seed)
    const whole = show(log.entries)
    const expected = accumulate(whole)
    const numbers = whole.map(numberOf)
    const late = dropDeltas(log)
    expect([seed, accumulate(show(late))]).toEqual([seed, expected])
    for (const [index, after] of numbers.entries()) {
      if (index % 6 !== seed % 6 || isOfLostAttempt(after, numbers)) continue
      const rest = show(late, { after })
      expect([seed, index, accumulate([...whole.slice(0, index + 1), ...rest])]).toEqual([
        seed,
        index,
        expected,
      ])
    }
  }
})

/**
 * Returns true for the number of an event in an attempt that was lost. A client that stopped there has items which a
 * late stream no longer has, so it reads the response from its start.
 */
function isOfLostAttempt(number: number, numbers: readonly number[]): boolean {
  return numbers.some((next, index) => {
    const isFirstAfterRetry = next - (numbers[index - 1] ?? next) > 1_000
    return isFirstAfterRetry && number < next && number >= next - 2 ** 20
  })
}

/** Returns the log with answers that clients of this wire gave, and the responses that they started. */
function answerOnWire({ entries, parked }: RandomLog): {
  readonly entries: readonly Entry[]
  readonly segments: readonly string[]
} {
  const segmentAt = (seq: number) => parked.filter((each) => each.seq < seq).length
  const answered = entries.map((entry): Entry => {
    if (entry.kind !== "event" || entry.event.type !== "waitResolved") return entry
    const segment = { wire: segmentWire, id: `${segmentAt(entry.seq)}` }
    return { ...entry, event: { ...entry.event, segment } }
  })
  return { entries: answered, segments: parked.map((_, index) => `${index + 1}`) }
}

it("has the output of the whole run in its responses, if clients gave the answers", () => {
  for (const seed of seeds) {
    const log = createRandomLog(seed)
    const { entries, segments } = answerOnWire(log)
    const responses = [null, ...segments].map((segment) => accumulate(show(entries, { segment })))
    const whole = accumulate(show(log.entries))
    const describe = ({ output }: Pick<Response, "output">) =>
      output.map((item) => JSON.stringify({ ...item, id: null, approval_request_id: null }))
    expect([seed, describe({ output: responses.flatMap(({ output }) => output) })]).toEqual([
      seed,
      describe(whole),
    ])
    const previous = responses.map(({ previous_response_id }) => previous_response_id)
    expect([seed, previous.slice(1)]).toEqual([seed, responses.slice(0, -1).map(({ id }) => id)])
    expect([seed, responses.at(-1)?.status]).toEqual([seed, whole.status])
  }
})

/** Returns the log without the deltas of attempts that were lost, which a completion cannot take back. */
function withoutLostAttempts(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ kind }, index) => {
    if (kind === "event") return true
    const next = entries
      .slice(index)
      .find((each) => each.kind === "event" && /^(stepRetried|messageCompleted)$/.test(each.event.type))
    return next?.kind !== "event" || next.event.type !== "stepRetried"
  })
}

it("is the same completion for the library, whatever was dropped of the log", async () => {
  for (const seed of seeds) {
    const log = createRandomLog(seed)
    const [full, late] = await Promise.all([
      readCompletion(withoutLostAttempts(log.entries)),
      readCompletion(dropDeltas(log)),
    ])
    expect([seed, full]).toEqual([seed, late])
  }
})

/** Resolves to the completion that the library's helper makes of the stream, or to its error. */
async function readCompletion(entries: readonly Entry[]): Promise<unknown> {
  const [state, opening] = openChatStream({
    id: "chatcmpl-1",
    model: "agent",
    created: 0,
    includeUsage: true,
  })
  const text = renderLog(chatWire, { entries, state, end: { type: "complete" } })
  const body = [...opening.map((frame) => chatWire.write(frame, null as never)), text].join("")
  const headers = { "content-type": "text/event-stream" }
  const client = createClient("http://gateway.invalid", {
    fetch: async () => new Response(body, { headers }),
  })
  const stream = client.chat.completions.stream({
    model: "agent",
    messages: [{ role: "user", content: "Go" }],
  })
  let thinking = ""
  stream.on("chunk", ({ choices: [choice] }) => {
    const delta = { reasoning_content: "", ...choice?.delta }
    thinking += delta.reasoning_content
  })
  try {
    const { choices, usage } = await stream.finalChatCompletion()
    // The library keeps only the last piece of a member that it does not know.
    return {
      choices: choices.map(({ message, ...choice }) => [choice, message.content, message.tool_calls]),
      usage,
      thinking,
    }
  } catch (error) {
    return String(error)
  }
}
