/**
 * Shares one read among the calls for one key in a turn of the event loop. The read starts after all of these calls,
 * so each of them receives a state from after its call.
 */
export function shareReads<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const waiting = new Map<string, Promise<Value>>()
  return (key) => {
    const known = waiting.get(key)
    if (known !== undefined) return known
    const shared = new Promise<void>((resolve) => {
      setImmediate(() => {
        waiting.delete(key)
        resolve()
      })
    }).then(() => read(key))
    waiting.set(key, shared)
    return shared
  }
}
