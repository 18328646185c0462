import { selectNewMessage } from "../../../../core/history/message-input.ts"
import { isLargeJson } from "../../../../core/json/json-pieces.ts"
import type { WithdrawMessageCommand } from "../../../../core/ports/store/inbox.ts"
import type {
  CancelCommand,
  MessageCommand,
  MessageInput,
  StoredCommand,
} from "../../../../core/ports/store/session-log.ts"
import { type LargeText, type WriteLarge, writeJson } from "./large-text.ts"

/** The JSON texts of large contents of a message. A put decides inside its transaction which of them it stores. */
export type LargeContents = ReadonlyMap<object, LargeText>

export const noLargeContents: LargeContents = new Map()

/** Makes the texts of a large message in slices, so that the event loop can continue (rule 15). */
export async function makeLargeContents(
  command: MessageCommand | CancelCommand | WithdrawMessageCommand,
  write: WriteLarge = writeJson,
): Promise<LargeContents> {
  if (command.type !== "message" || !isLargeJson(command.input)) return noLargeContents
  const { input, whenBusy = "reject" } = command
  const texts = new Map<object, LargeText>()
  const content = selectNewMessage(input)
  // A message to a busy session is stored without the conversation that it was sent with.
  const isContentStored = input.type === "message" || whenBusy !== "reject"
  if (isContentStored && isLargeJson(content)) texts.set(content, await write(content))
  if (input.type === "conversation") texts.set(input.messages, await write(input.messages))
  return texts
}

/** Returns the large text that `writeCommandText` puts into the command. Null if there is none. */
export function findLargeContent(command: StoredCommand, texts: LargeContents): LargeText | null {
  if (command.type === "steer") return texts.get(command.content) ?? null
  if (command.type !== "message") return null
  const { input } = command
  return texts.get(input.type === "message" ? input.content : input.messages) ?? null
}

/** Returns the output of `JSON.stringify` for the command, except for the order of its members. */
export function writeCommandText(command: StoredCommand, texts: LargeContents): string {
  if (texts.size === 0) return JSON.stringify(command)
  if (command.type === "message") {
    const { input, ...others } = command
    return addMember(others, "input", formatInput(input, texts))
  }
  if (command.type === "steer") {
    const { content, ...others } = command
    return addMember(others, "content", formatJson(content, texts))
  }
  return JSON.stringify(command)
}

function formatInput(input: MessageInput, texts: LargeContents): string {
  return input.type === "message"
    ? addMember({ type: input.type }, "content", formatJson(input.content, texts))
    : addMember({ type: input.type }, "messages", formatJson(input.messages, texts))
}

function formatJson(value: object, texts: LargeContents): string {
  return texts.get(value)?.text ?? JSON.stringify(value)
}

/** Adds a member to a JSON object. `others` is not empty. */
function addMember(others: object, name: string, text: string): string {
  return `${JSON.stringify(others).slice(0, -1)},"${name}":${text}}`
}
