/** Changes a stream of text, which it may hold back until it knows what follows. */
export interface OutputFilter {
  /** Returns what may be shown now; empty while the text is held back. */
  push(text: string): string
  /** Returns what was held back. */
  end(): string
}
