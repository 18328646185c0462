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
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_creation_input_tokens: number
  readonly cache_read_input_tokens: number
  /** US dollars; null if the price is not known. */
  readonly estimated_cost: number | null
}
