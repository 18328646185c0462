import { assemble } from "../../end-to-end/support/assemble.ts"
import type { Frame } from "../../end-to-end/support/event-stream.ts"
import { type SessionClient, startSession } from "../../end-to-end/support/session-client.ts"

/** The answer to a request for approval. */
interface Answer {
  readonly approved: boolean
  readonly allow_tool_type?: boolean
}

/** The things that a user of the help desk sees after a message. */
export interface Visit {
  readonly text: string
  /** The part of the tool type of each request for approval. */
  readonly asked: readonly (string | null)[]
  /** Codes of the interceptor's denials. */
  readonly denied: readonly (string | null)[]
}

/**
 * Talks to the help desk of the example `21-from-python` as a client of the Python package does, and returns what the
 * user sees.
 */
export async function visitHelpDesk(url: string): Promise<Readonly<Record<string, Visit>>> {
  const session = await startSession(url)
  return {
    first: await say(session, "Refund 40 EUR", { approved: true, allow_tool_type: true }),
    again: await say(session, "Refund 5 EUR", { approved: false }),
    otherCurrency: await say(session, "Refund 7 USD", { approved: false }),
    tooLarge: await say(session, "Refund 900 EUR", { approved: true }),
    experts: await say(session, "May order 18 be refunded, and are there kettles?", { approved: false }),
  }
}

async function say(session: SessionClient, content: string, answer: Answer): Promise<Visit> {
  const stream = await session.chat({ messages: [{ role: "user", content }] })
  const frames: Frame[] = []
  const asked: (string | null)[] = []
  for (let frame = await stream.next(); frame !== null; frame = await stream.next()) {
    frames.push(frame)
    if (frame.event.type !== "tool_approval_request") continue
    const { tool_call_id, nonce, resolved_qualifier } = frame.event
    asked.push(resolved_qualifier)
    await session.post("/chat/tool-approval", { tool_call_id, nonce, ...answer })
  }
  const own = frames.filter(({ event }) => event.sub_agent_id === undefined)
  const denied = own.flatMap(({ event }) =>
    event.type === "interceptor_decision" && event.action === "deny" ? [event.code] : [],
  )
  return { text: assemble(own).text, asked, denied }
}
