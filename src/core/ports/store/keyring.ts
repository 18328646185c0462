/**
 * The keys that sign session tokens. The store holds them, so tokens are valid in every process and survive restarts.
 */
export interface Keyring {
  /** Resolves to the newest key, which is generated at the first use. All processes receive the same key. */
  signingKey(): Promise<SigningKey>
  /** Resolves to the key with this id, to verify a token signed earlier. Null if there is none. */
  key(id: string): Promise<SigningKey | null>
  /**
   * Generates a new key and signs with it from now on. Tokens of earlier keys stay valid until they expire or their
   * key is removed.
   */
  rotate(): Promise<SigningKey>
  /**
   * Removes a key, which invalidates every token that it signed. Resolves to false for the newest key, which stays.
   */
  remove(id: string): Promise<boolean>
}

export interface SigningKey {
  readonly id: string
  /** 32 random bytes. */
  readonly secret: Uint8Array
}
