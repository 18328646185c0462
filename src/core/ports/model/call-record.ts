/**
 * The request of a model call as it left the process, and the beginning of the response. A provider that knows them
 * fills in the record.
 */
export interface CallRecord {
  request: SentRequest
  response: ReceivedResponse | null
}

export interface SentRequest {
  /** `gateway`: the provider does not report what it sends, so the body is the gateway's request to the provider. */
  readonly form: "http" | "gateway"
  /** Address without the query. Null if the provider does not report it. */
  readonly url: string | null
  /** Headers that are safe to show, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The body is the JSON of this value. */
  readonly body: unknown
}

export interface ReceivedResponse {
  readonly status: number
  /** Headers that are safe to show, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Beginning of the body, at most `maxRecordedBytes`. It grows while the response arrives. */
  readonly chunks: Uint8Array[]
}

/** Maximum bytes of a response that a record has. An error is shorter. */
export const maxRecordedBytes = 16 * 1024
