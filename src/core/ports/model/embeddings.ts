/**
 * Converts texts into vectors. A small angle means similar texts. The application supplies it: an adapter for a
 * provider, or a model on this machine.
 */
export interface EmbeddingProvider {
  /** Name of the model. Vectors of different models are not compared. */
  readonly model: string
  /** Returns one vector for each text. All vectors have the same length, at most 4096 numbers. */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly (readonly number[])[]>
}
