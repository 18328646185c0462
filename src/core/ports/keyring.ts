/** The keys that sign session tokens. In the store, so that tokens hold on every node and over restarts. */
export interface Keyring {
  /** The newest key, made on first use; all processes get the same one. */
  signingKey(): Promise<SigningKey>
  /** A key by its id, for a token signed earlier; null if there is none. */
  key(id: string): Promise<SigningKey | null>
  /**
   * Makes a new key, which signs from now on. Tokens of the former keys hold until they expire or their key is
   * removed.
   */
  rotate(): Promise<SigningKey>
  /**
   * Removes a key, and so ends every token it signed. Resolves to whether it did: false for the newest, which stays.
   */
  remove(id: string): Promise<boolean>
}

export interface SigningKey {
  readonly id: string
  /** 32 random bytes. */
  readonly secret: Uint8Array
}
