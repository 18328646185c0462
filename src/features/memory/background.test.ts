import { expect, it } from "vitest"
import type { MemoryRecord } from "../../core/ports/store/memory.ts"
import { writeDataBlock } from "../../core/text/data-block.ts"
import { createForgeries, forged, readFrames } from "../../core/text/fixtures/forgeries.ts"
import { createBackground } from "./background.ts"

const at = { createdAt: 0, updatedAt: 0, expiresAt: null }

it("is null without memories", () => {
  expect(createBackground([])).toBeNull()
})

it.each(createForgeries("memories"))("frames a memory like %j, in each of its fields", (text) => {
  const record = { name: text, entityType: text, content: text, tags: [text], origin: null, ...at }
  const block = createBackground([
    record as unknown as MemoryRecord,
    { ...record } as unknown as MemoryRecord,
  ])
  const { outside, values } = readFrames(block === null ? "" : writeDataBlock(block), ["memories"])
  expect(outside).not.toContain(forged)
  expect(values).toHaveLength(2)
  expect(values[0]).toMatchObject({ name: text, entity_type: text, content: text, tags: [text] })
})
