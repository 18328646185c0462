import { createHmac, timingSafeEqual } from "node:crypto"
import type { ChatEvent, Plugin, RouteRequest } from "ai-agent-gateway"
import { z } from "zod"

export interface WebhookOptions {
  /**
   * Secrets of the sender, as Standard Webhooks writes them: `whsec_` and base64. A request may be signed with any of
   * them, so that a secret can be replaced without a break.
   */
  readonly secrets: readonly string[]
}

/** Seconds that the clocks of the sender and of this machine may differ, and that a request can be replayed. */
const toleranceSeconds = 300
const maxBytes = 64 * 1024

const delivery = z.object({ user: z.string().min(1).max(100), message: z.string().min(1).max(10_000) })

/**
 * Lets another service start runs by signed webhooks (https://www.standardwebhooks.com), and counts what they cost. The
 * response to a webhook is the event stream of its run.
 */
export function webhooks({ secrets }: WebhookOptions): Plugin {
  const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"))
  return {
    name: "webhooks",
    setup({ runs, directory, clock }) {
      const figures = { deliveries: 0, repeated: 0, runs: 0, failedRuns: 0, outputTokens: 0 }
      return {
        // The gateway calls observers synchronously, so they only count.
        observers: [
          {
            onRunEnded({ outcome, usage }) {
              figures.runs++
              if (outcome === "failed") figures.failedRuns++
              figures.outputTokens += usage.outputTokens
            },
          },
        ],
        routes: {
          "POST /webhooks/messages": {
            access: "public",
            // The signature is that of the bytes, so they must not be parsed before.
            rawBytes: maxBytes,
            identify(request) {
              if (!isSigned(request, { keys, now: clock.now() })) return null
              const parsed = delivery.safeParse(parseJson(request.bytes))
              return parsed.success ? { userId: parsed.data.user } : { userId: "unreadable" }
            },
            async handle({ request, bytes, principal, signal }) {
              const parsed = delivery.safeParse(parseJson(bytes))
              if (!parsed.success || principal === null)
                return Response.json({ error: "expected { user, message }" }, { status: 422 })
              const { message } = parsed.data
              // The sender repeats a delivery under the same id, and then receives the stream of the same run.
              const run = await runs.start(message, {
                principal,
                jobId: `webhook:${readHeader(request, "id")}`,
              })
              figures.deliveries++
              if (run.existed) figures.repeated++
              const events = runs.follow(run, { principal, signal })
              return new Response(ReadableStream.from(encode(events)), {
                headers: { "content-type": "text/event-stream", "x-run-id": run.runId },
              })
            },
          },
          // For operators, with AGENT_GATEWAY_OPERATOR_KEY as Bearer token.
          "GET /webhooks/figures": {
            access: "operator",
            async handle() {
              const { items } = await directory.sessions({ limit: 10 })
              const sessions = items.map(({ id, userId, state }) => ({ id, userId, state }))
              return Response.json({ ...figures, sessions })
            },
          },
        },
      }
    },
  }
}

/** Returns true if the request was signed with one of the keys, and not too long ago. */
function isSigned(
  { request, bytes }: RouteRequest,
  { keys, now }: { readonly keys: readonly Buffer[]; readonly now: number },
): boolean {
  const id = readHeader(request, "id")
  const timestamp = readHeader(request, "timestamp")
  const isRecent =
    /^\d{1,12}$/.test(timestamp) && Math.abs(now / 1_000 - Number(timestamp)) <= toleranceSeconds
  if (!isRecent || !/^[\w.-]{1,200}$/.test(id)) return false
  // A sender that replaces its secret sends a signature for each.
  const given = readHeader(request, "signature")
    .split(" ")
    .slice(0, 10)
    .map((signature) => Buffer.from(signature.replace(/^v1,/, ""), "base64"))
  const expected = keys.map((key) =>
    createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes).digest(),
  )
  // The comparison takes the same time whatever the signature is, so that it cannot be guessed byte by byte.
  return expected.some((own) =>
    given.some((other) => own.length === other.length && timingSafeEqual(own, other)),
  )
}

function readHeader({ headers }: Request, name: "id" | "timestamp" | "signature"): string {
  return headers.get(`webhook-${name}`) ?? ""
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch {
    return null
  }
}

/** Writes the events in the format of `text/event-stream`. */
async function* encode(events: AsyncIterable<ChatEvent>): AsyncGenerator<Uint8Array> {
  for await (const event of events) yield Buffer.from(`data: ${JSON.stringify(event)}\n\n`)
}
