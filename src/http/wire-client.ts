/** A protocol beside the gateway's own, as operators see it. */
export interface WireClient {
  /** Name of the protocol, such as `AI SDK UI`. */
  readonly name: string
  /** Path that its clients receive, such as `/ai-sdk/chat`. It begins with the protocol's own path. */
  readonly path: string
}
