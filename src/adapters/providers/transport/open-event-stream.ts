import type { IncomingMessage } from "node:http"
import { toError } from "../../../core/errors.ts"
import type { CallRecord } from "../../../core/ports/model/call-record.ts"
import { type BodyReader, cancelBody } from "./body-reader.ts"
import { createCallBody } from "./call-body.ts"
import type { Endpoint } from "./endpoint.ts"
import { MessageReader } from "./message-reader.ts"
import { postCall, type ServiceCall } from "./post-call.ts"
import { recordRequest, recordResponse } from "./record-call.ts"
import { NotAStreamError } from "./stream-fault.ts"

export interface StreamCall extends Omit<ServiceCall, "body"> {
  /** The body is the JSON of this value. */
  readonly content: object
  readonly record?: CallRecord | undefined
}

/** The part of the SDKs that creates an error from the response of a service. */
export interface StatusErrors {
  readonly APIError: {
    generate(
      status: number | undefined,
      body: object | undefined,
      message: string | undefined,
      headers: Headers | undefined,
    ): Error
  }
}

export interface EventStream {
  readonly reader: BodyReader
  /** Returns the headers of the response, for errors within the stream. */
  headers(): Headers
}

/**
 * Sends a call and resolves to the event stream of the response. Throws the SDK's error if the status is not a success,
 * a `NotAStreamError` if the response is not an event stream, and what `postCall` throws.
 */
export async function openEventStream(
  endpoint: Endpoint,
  { record, ...call }: StreamCall,
  { APIError }: StatusErrors,
): Promise<EventStream> {
  const body = await createCallBody(call.content, call.signal)
  if (record !== undefined) recordRequest(record, endpoint, call)
  const response = await postCall(endpoint, { ...call, body })
  const { statusCode: status = 0 } = response
  const reader = new MessageReader(response)
  if (record !== undefined) recordResponse(record, response)
  const isSuccess = status >= 200 && status < 300
  const contentType = response.headers["content-type"] ?? ""
  if (isSuccess && /^text\/event-stream\b/i.test(contentType)) {
    return { reader, headers: () => toHeaders(response) }
  }
  if (!isSuccess) {
    const text = await readBeginning(reader, longestError).catch((error: unknown) => toError(error).message)
    const body = parseObject(text)
    throw APIError.generate(status, body, body === undefined ? text : undefined, toHeaders(response))
  }
  // The text of a web page is not helpful.
  const isReadable = /^(application\/([\w.-]+\+)?json|text\/plain)\b/i.test(contentType)
  const text = isReadable ? await readBeginning(reader, longestDocument) : ""
  await cancelBody(reader)
  throw new NotAStreamError(contentType, text)
}

/** Maximum bytes that are read of the body of an error. */
const longestError = 1024 * 1024
/** Maximum bytes that are read of a document in place of a stream. An error is shorter. */
const longestDocument = 64 * 1024

/** Reads the body to its end, so that the connection can serve the next call, or closes it after `maxBytes`. */
async function readBeginning(reader: BodyReader, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let [text, left] = ["", maxBytes]
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value.subarray(0, left), { stream: true })
    left -= read.value.length
    if (left > 0) continue
    await cancelBody(reader)
    break
  }
  return text
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? value : undefined
  } catch {
    // A proxy wrote this text.
    return undefined
  }
}

function toHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "")
  }
  return headers
}
