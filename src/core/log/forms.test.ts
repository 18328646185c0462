import { expect, it } from "vitest"
import { type Event, logVersion, type RunStarted } from "./entries.ts"
import { findMessageVersion, findVersion, firstVersion, type NewerForms, toStoredForms } from "./forms.ts"

const data: Event = { type: "dataEmitted", toolCallId: "call_1", name: "progress", value: 1 }
const step: Event = { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 }
const next = logVersion + 1

it("an event without a newer form belongs to the first version, and is stored as it is", () => {
  expect(findVersion(data)).toBe(firstVersion)
  expect(toStoredForms(data, logVersion)).toEqual([data])
})

it("only a run with a call needs the version that introduced such runs", () => {
  const plain: RunStarted = {
    ...{ type: "runStarted", agent: "agent", revision: "1", content: [], context: {} },
    ...{ channel: null, model: null, outputSchema: null },
  }
  const call = { tool: "look", input: {}, origin: { type: "code" } } as const
  for (const findOf of [findVersion, findMessageVersion]) {
    expect(findOf(plain)).toBe(firstVersion)
    expect(findOf({ ...plain, call })).toBe(4)
  }
  expect(toStoredForms({ ...plain, call }, firstVersion)).toEqual([{ ...plain, call }])
})

it("a form that only some events of a type have leaves the others unchanged", () => {
  const forms: NewerForms = {
    stepStarted: { since: next, toOlder: () => [], has: (event) => event !== step },
  }
  expect(findVersion(step, forms)).toBe(firstVersion)
  expect(toStoredForms(step, firstVersion, forms)).toEqual([step])
  const other = { ...step }
  expect(findVersion(other, forms)).toBe(next)
  expect(toStoredForms(other, firstVersion, forms)).toEqual([])
})

it.each<[string, NewerForms, readonly Event[]]>([
  ["in its older form", { dataEmitted: { since: next, toOlder: () => [step] } }, [step]],
  ["not at all if older readers do not need it", { dataEmitted: { since: next, toOlder: () => [] } }, []],
  ["as it is if it has no older form", { dataEmitted: { since: next } }, [data]],
])("a newer form is stored %s while an older process lives", (_, forms, stored) => {
  expect(findVersion(data, forms)).toBe(next)
  expect(toStoredForms(data, logVersion, forms)).toEqual(stored)
  expect(toStoredForms(data, next, forms)).toEqual([data])
})
