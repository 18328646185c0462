/**
 * A flag in memory that the checkpoint thread shares with the event loop. While it is set, this process starts no
 * transaction. The thread can then restart the write-ahead log without a collision, however long the disk or a busy
 * machine makes that take. Writes wait for the thread without a time limit, because it belongs to this process.
 */
export interface WriteHold {
  /** One integer: 1 while the thread holds the writes back, otherwise 0. */
  readonly memory: Int32Array<SharedArrayBuffer>
  isSet(): boolean
  /** For the end of the thread, which may have ended with the flag set. */
  clear(): void
}

export function createWriteHold(): WriteHold {
  const memory = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  return {
    memory,
    isSet: () => Atomics.load(memory, 0) === 1,
    clear: () => void Atomics.store(memory, 0, 0),
  }
}
