import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, expectTypeOf, test } from "vitest"
import { generate, wireFolder } from "../../scripts/generate-client-types.ts"
import type { ChatEvent } from "../../src/core/wire/chat-event.ts"
import type { ChatEvent as GatewayChatEvent } from "../../src/wires/native/schemas/events.ts"

test("the client's types are those of the OpenAPI document (else: node scripts/generate-client-types.ts)", async () => {
  for (const [name, text] of Object.entries(await generate())) {
    expect(await readFile(join(wireFolder, name), "utf8"), name).toBe(text)
  }
})

test("the client's events and the gateway's are the same types", () => {
  const received = (event: GatewayChatEvent): ChatEvent => event
  expectTypeOf(received).returns.toEqualTypeOf<ChatEvent>()
  expectTypeOf<ChatEvent["type"]>().toEqualTypeOf<GatewayChatEvent["type"]>()
})
