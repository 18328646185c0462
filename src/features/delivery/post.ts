import { request as httpRequest, type IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import { toError, UndeliverableError } from "../../core/errors.ts"
import { onlyPublic } from "../../platform/network/only-public.ts"
import { createRefusal } from "./private-address.ts"
import { CutOffError } from "./unknown-outcome.ts"

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
  readonly allowPrivateAddresses: boolean
  /** Name of the channel in the options, for messages. */
  readonly channel: string
  readonly signal: AbortSignal
}

export interface PostReply {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  /** The beginning of the body. */
  readonly text: string
}

const maxReplyBytes = 16_384

/** Sends one POST and follows no redirect. The name is resolved once, and the connection uses the checked address. */
export async function sendPost(post: Post): Promise<PostReply> {
  const { url, headers, body, allowPrivateAddresses, channel, signal } = post
  const target = new URL(url)
  const guard = allowPrivateAddresses ? {} : onlyPublic(url, (host) => createRefusal(host, channel))
  const send = target.protocol === "https:" ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    let isSent = false
    let isAnswered = false
    const request = send(target, {
      method: "POST",
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      ...guard,
      agent: false,
      signal,
    })
    request.on("socket", (socket) =>
      socket.once(target.protocol === "https:" ? "secureConnect" : "connect", () => {
        isSent = true
      }),
    )
    request.on("error", (error) => {
      // After the response has started, its reader reports the error.
      if (!isAnswered) reject(isSent ? new CutOffError(error.message, { cause: error }) : error)
    })
    request.on("response", (response) => {
      isAnswered = true
      readReply(response).then(resolve, (error: unknown) =>
        reject(new CutOffError(toError(error).message, { cause: error })),
      )
    })
    request.end(body)
  })
}

async function readReply(response: IncomingMessage): Promise<PostReply> {
  const { statusCode: status = 0, headers } = response
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxReplyBytes) break
    }
  } catch (error) {
    // By its status, the receiver has the message. A body that never ends must not make the gateway send it again.
    if (!isSuccess(status)) throw error
  }
  response.destroy()
  const text = Buffer.concat(chunks).toString("utf8").slice(0, maxReplyBytes)
  return { status, headers, text }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** Throws unless the reply is a success. If the request would fail again, the item is dead at once. */
export function requireSuccess({ status, text }: PostReply, service: string): void {
  if (isSuccess(status)) return
  const problem = `${service} answered ${status}: ${text.slice(0, 200)}`
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429
  throw mayPass ? new Error(problem) : new UndeliverableError(problem)
}
