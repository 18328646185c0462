/**
 * Turns texts into vectors whose angles tell how alike the texts are. The application's own: a model service, or a
 * model of this machine.
 */
export interface EmbeddingProvider {
  /** Name of the model. Vectors of different names are not compared. */
  readonly model: string
  /** Returns one vector for each text, all of the same length, at most 4096 numbers. */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly (readonly number[])[]>
}
