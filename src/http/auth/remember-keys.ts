import type { Keyring, SigningKey } from "../../core/ports/keyring.ts"

/** Milliseconds for which a key is known without asking the store. */
const keptMs = 5_000

interface Remembered {
  readonly key: SigningKey
  readonly until: number
}

/**
 * Remembers the keys of a keyring for five seconds, because every request needs one. What this process changes holds
 * here at once. If another process removes a key, its tokens are accepted here for five seconds more. Ids without a
 * key are not remembered, so there are as many entries as keys. `now` is monotonic, in milliseconds.
 */
export function rememberKeys(keyring: Keyring, now = () => performance.now()): Keyring {
  const byId = new Map<string, Remembered>()
  let newest: Remembered | null = null
  let changes = 0

  /** Asks the store. A reply that was on its way during a change may be older than it, so it is not remembered. */
  async function look<Key extends SigningKey | null>(
    ask: () => Promise<Key>,
    remember: (found: Remembered) => void,
  ): Promise<Key> {
    const [until, asked] = [now() + keptMs, changes]
    const key = await ask()
    if (key !== null && asked === changes) remember({ key, until })
    return key
  }

  async function change<Outcome>(make: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await make()
    } finally {
      changes += 1
      newest = null
      byId.clear()
    }
  }

  return {
    async signingKey() {
      if (newest !== null && now() < newest.until) return newest.key
      return look(
        () => keyring.signingKey(),
        (found) => {
          newest = found
        },
      )
    },
    async key(id) {
      const known = byId.get(id)
      if (known !== undefined && now() < known.until) return known.key
      return look(
        () => keyring.key(id),
        (found) => void byId.set(id, found),
      )
    },
    rotate: () => change(() => keyring.rotate()),
    remove: (id) => change(() => keyring.remove(id)),
  }
}
