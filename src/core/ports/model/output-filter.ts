/** Changes a stream of text. It may hold back text until it knows what follows. */
export interface OutputFilter {
  /** Returns the text that may be shown now. Empty while the text is held back. */
  push(text: string): string
  /** Returns the text that was held back. */
  end(): string
}
