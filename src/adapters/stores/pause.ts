import type { StorePause } from "../../core/ports/store/pause.ts"

/** Settings of a store, which no migration changes. */
export interface Settings {
  read(name: string): Promise<string | null>
  /** Null removes the setting. */
  write(name: string, value: string | null): Promise<void>
}

const name = "pausedSince"

export function createPause({ read, write }: Settings): StorePause {
  return {
    async since() {
      const value = await read(name)
      return value === null ? null : Number(value)
    },
    set: (at) => write(name, at === null ? null : String(at)),
  }
}
