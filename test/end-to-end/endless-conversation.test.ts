import { afterEach, expect, test } from "vitest"
import { longOrShort } from "../long-tests.ts"
import type { ContextFixture } from "./support/endless-conversation.ts"
import { openConversation } from "./support/endless-conversation.ts"
import { messageOf } from "./support/forgetful-model.ts"

const window = 6_000
const factEvery = 20
/** Length of a whole conversation in context windows. */
const windows = 50

const opened: ContextFixture[] = []
afterEach(async () => {
  for (const fixture of opened.splice(0)) await fixture.close()
})

const clients = [
  ["that sends its last 41 messages each time", 41],
  ["that sends new messages only", null],
  ["that sends its whole history each time", Number.POSITIVE_INFINITY],
] as const

test.each(clients.slice(0, longOrShort(clients.length, 1)))(
  "a conversation of fifty windows continues, with a client %s",
  async (_, sent) => {
    const conversation = await openConversation({ window, sent })
    opened.push(conversation)
    const { model } = conversation
    const said: string[] = []
    const turnTokens: number[] = []
    let characters = 0
    for (let turn = 0; characters / 4 < windows * window; turn++) {
      const before = sumOf(model.requests) + sumOf(model.summaries)
      const message = messageOf(turn, factEvery)
      const response = await conversation.say(message)
      said.push(message)
      turnTokens.push(sumOf(model.requests) + sumOf(model.summaries) - before)
      characters += message.length + response.length + conversation.resultCharacters
    }
    expect(model.violations).toEqual([])
    expect(model.summaries.length).toBeGreaterThan(20)
    for (let turn = 0; turn < said.length; turn += factEvery) {
      expect(await conversation.say(`What is the code of item${turn}?`)).toBe(`x${turn}y`)
    }
    expect(model.violations).toEqual([])
    const first = turnTokens.findIndex((_tokens, turn) => turn * 2_000 > window)
    const later = turnTokens.slice(first)
    const half = Math.floor(later.length / 2)
    expect(meanOf(later.slice(half))).toBeLessThan(1.2 * meanOf(later.slice(0, half)))
    const history = JSON.stringify(await conversation.history())
    for (const message of said) expect(history).toContain(message)
    expect(conversation.compactions).toBe(model.summaries.length)
    expect(await conversation.replacements()).toBe(0)
  },
)

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}

function meanOf(numbers: readonly number[]): number {
  return sumOf(numbers) / numbers.length
}
