import { expect, it } from "vitest"
import { type Event, logVersion } from "./entries.ts"
import { findVersion, firstVersion, type NewerForms, toStoredForms } from "./forms.ts"

const data: Event = { type: "dataEmitted", toolCallId: "call_1", name: "progress", value: 1 }
const step: Event = { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 }
const next = logVersion + 1

it("an event without a newer form belongs to the first version, and is stored as it is", () => {
  expect(findVersion(data)).toBe(firstVersion)
  expect(toStoredForms(data, logVersion)).toEqual([data])
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
