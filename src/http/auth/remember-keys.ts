import type { Keyring, SigningKey } from "../../core/ports/store/keyring.ts"

/** Milliseconds for which a key is cached. */
const keptMs = 5_000

interface Remembered {
  readonly key: SigningKey
  readonly until: number
}

/**
 * Caches the keys of a keyring for five seconds, because every request needs one. Changes by this process apply at
 * once. If another process removes a key, its tokens are accepted here for up to five more seconds. Unknown ids are
 * not cached, so there are as many entries as keys. `now` returns monotonic milliseconds.
 */
export function rememberKeys(keyring: Keyring, now = () => performance.now()): Keyring {
  const byId = new Map<string, Remembered>()
  let newest: Remembered | null = null
  let changes = 0

  /** Reads from the store. A reply that was in progress during a change may be outdated, so it is not cached. */
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
