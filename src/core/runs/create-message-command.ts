import type { MessageCommand, MessageInput } from "../ports/store/session-log.ts"

/** The parts of a message that its sender chooses. The others have the defaults of a plain message. */
export type GivenMessage = Pick<MessageCommand, "sessionId" | "runId" | "at"> &
  Partial<Omit<MessageCommand, "type" | "input">> & {
    /** A text is one message with this text. */
    readonly input: MessageInput | string
  }

/** Returns the command that puts a message into a session. Code, clients, schedules and sub-agents use it. */
export function createMessageCommand({ input, ...given }: GivenMessage): MessageCommand {
  return {
    type: "message",
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    idempotency: null,
    ...given,
    input: typeof input === "string" ? { type: "message", content: [{ type: "text", text: input }] } : input,
  }
}
