// Generated from the OpenAPI document by scripts/generate-client-types.ts. Do not edit.

export type ImageBlock = {
  readonly type: "image"
  readonly source:
    | {
        readonly type: "base64"
        readonly media_type: string
        readonly data: string
      }
    | {
        readonly type: "url"
        readonly url: string
      }
}

export type TextBlock = {
  readonly type: "text"
  readonly text: string
}

export type Usage = {
  /** Input that was neither read from a cache nor written to one. */
  readonly input_tokens: number
  /** Output, thinking included. */
  readonly output_tokens: number
  /** Input that was written to a cache. */
  readonly cache_creation_input_tokens: number
  /** Input that was read from a cache. */
  readonly cache_read_input_tokens: number
  /** US dollars; null if the price is not known. */
  readonly estimated_cost: number | null
}
