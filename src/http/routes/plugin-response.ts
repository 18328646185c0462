import type { Context } from "hono"
import { ConfigurationError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { HttpEnv } from "../http-env.ts"

export interface HandledRequest {
  /** Method and path, for messages. */
  readonly route: string
  readonly timeoutMs: number
  readonly logger: Logger
  /** Called once when the response has been sent, or its client has left. */
  readonly onEnd: () => void
}

/** A status of servers' own logs for a client that left before its response. */
const clientLeft = 499

/**
 * Calls a plugin's handler within its time, and passes its response on. The signal of the handler aborts when the
 * client leaves, also while the body of the response is streamed.
 */
export async function respondWith(
  c: Context<HttpEnv>,
  { route, timeoutMs, logger, onEnd }: HandledRequest,
  handle: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const left = new AbortController()
  const client = c.req.raw.signal
  const end = () => {
    client.removeEventListener("abort", leave)
    onEnd()
  }
  const leave = () => {
    left.abort(client.reason)
    end()
  }
  client.addEventListener("abort", leave, { once: true })
  let isOver = false
  const call = async (stop: AbortSignal) => {
    const response = await handle(AbortSignal.any([stop, left.signal]))
    // No one reads a response that comes too late.
    if (isOver && response instanceof Response) await response.body?.cancel()
    return response
  }
  try {
    const bounds = { name: `The plugin route ${route}`, timeoutMs, signal: client }
    const response = await callBounded(call, bounds)
    if (!(response instanceof Response))
      throw new TypeError(`The plugin route ${route} did not return a Response.`)
    const headers = new Headers(response.headers)
    // A page of a plugin must not act as a page of the gateway.
    headers.set("content-security-policy", "sandbox")
    const { status, body } = response
    const isSent = body !== null && c.req.method !== "HEAD"
    const sent = isSent ? followBody(body, { left, end, route, logger }) : null
    if (sent === null) {
      end()
      await body?.cancel()
    }
    // This also sends the headers of the rate limit, which the context holds.
    return c.newResponse(sent, new Response(null, { status, headers }))
  } catch (error) {
    isOver = true
    end()
    // No one receives this response, and a client that leaves is no failure.
    if (client.aborted) return new Response(null, { status: clientLeft })
    // Its message is for the operator, and may have details of the configuration.
    if (error instanceof ConfigurationError) throw new Error(error.message, { cause: error })
    throw error
  }
}

/** Returns the body of a response, which tells the handler when its client leaves. */
function followBody(
  body: ReadableStream<Uint8Array>,
  {
    left,
    end,
    route,
    logger,
  }: Pick<HandledRequest, "route" | "logger"> & { readonly left: AbortController; readonly end: () => void },
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          end()
          controller.close()
        } catch (error) {
          end()
          if (!left.signal.aborted)
            logger.error(
              { error, route },
              "The body of a plugin's response failed. Its connection is closed.",
            )
          controller.error(new Error("The response of the plugin failed."))
        }
      },
      async cancel(reason) {
        left.abort(reason)
        end()
        await reader.cancel(reason).catch(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
