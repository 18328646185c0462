import { expect, it } from "vitest"
import { createKeyedPlaces } from "./places.ts"

const kind = { code: "too_many_viewers", message: "Too many." }

it("limits the places of each key, and counts each return once", () => {
  const places = createKeyedPlaces({ max: 2, ...kind })
  const first = places.take("a")
  places.take("a")
  places.take("b")
  const refused = expect.objectContaining({ code: "too_many_viewers", status: 429, message: "Too many." })
  expect(() => places.take("a")).toThrow(refused)
  first()
  first()
  places.take("a")
  expect(() => places.take("a")).toThrow(refused)
})

it("serves a request that exceeds all places when it is alone", () => {
  const places = createKeyedPlaces({ max: 10, ...kind })
  const leave = places.take("a", 25)
  expect(() => places.take("a")).toThrow()
  leave()
  places.take("a", 9)
  expect(() => places.take("a", 2)).toThrow()
  places.take("a", 1)
})
