import { lookup } from "node:dns"
import { request as httpRequest, type IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import { BlockList, isIP, type LookupFunction } from "node:net"
import { toError, UndeliverableError } from "../core/errors.ts"
import { CutOffError } from "./unknown-outcome.ts"

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
  readonly allowPrivateAddresses: boolean
  readonly signal: AbortSignal
}

export interface PostReply {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  /** The beginning of the body. */
  readonly text: string
}

const maxReplyBytes = 16_384

/** The special ranges of RFC 6890 and its successors. */
const privateAddresses = new BlockList()
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  privateAddresses.addSubnet(net, prefix)
for (const [net, prefix] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  privateAddresses.addSubnet(net, prefix, "ipv6")

/**
 * Returns true for an address that is not on the public Internet. IPv4 addresses embedded in IPv6 are checked as
 * IPv4.
 */
export function isPrivateAddress(address: string): boolean {
  return privateAddresses.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
}

/** Sends one POST and follows no redirect. The name is resolved once, and the connection uses the checked address. */
export function sendPost({ url, headers, body, allowPrivateAddresses, signal }: Post): Promise<PostReply> {
  const target = new URL(url)
  const host = target.hostname.replace(/^\[(.*)\]$/, "$1")
  if (!allowPrivateAddresses && isIP(host) !== 0 && isPrivateAddress(host))
    return Promise.reject(createRefusal(host))
  const send = target.protocol === "https:" ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    let isSent = false
    let isAnswered = false
    const request = send(target, {
      method: "POST",
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      lookup: allowPrivateAddresses ? lookup : lookUpPublicAddress,
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

const lookUpPublicAddress: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const blocked = addresses.find(({ address }) => isPrivateAddress(address))
    if (blocked !== undefined) return callback(createRefusal(host), [])
    if (options.all === true) return callback(null, addresses)
    const [first] = addresses
    if (first === undefined) return callback(new Error(`${host} has no address.`), [])
    callback(null, first.address, first.family)
  })
}

function createRefusal(host: string): UndeliverableError {
  return new UndeliverableError(
    `${host} has an address of a private network. If that is meant, set allowPrivateAddresses.`,
  )
}

/** Throws unless the reply is a success. If the request would fail again, the item is dead at once. */
export function requireSuccess({ status, text }: PostReply, service: string): void {
  if (isSuccess(status)) return
  const problem = `${service} answered ${status}: ${text.slice(0, 200)}`
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429
  throw mayPass ? new Error(problem) : new UndeliverableError(problem)
}
