import { type FSWatcher, statSync, watch } from "node:fs"
import { dirname, join } from "node:path"

/** Milliseconds in which changes are collected, because editors write a file in several steps. */
const settleMs = 100

/**
 * Watches single files through their folders, so that it also notices files that are replaced (as many editors do) or
 * created.
 */
export class FileWatcher {
  readonly #files = new Set<string>()
  readonly #folders = new Map<string, FSWatcher>()
  readonly #onProblem: (problem: Error) => void
  #since = Date.now()
  #changed: () => void = () => {}
  #settling: NodeJS.Timeout | undefined

  /** `onProblem` receives the problem of a folder that cannot be watched. */
  constructor(onProblem: (problem: Error) => void) {
    this.#onProblem = onProblem
  }

  /** Resolves when a watched file changes, including one that is added later and has changed since this call. */
  nextChange(): Promise<void> {
    this.#since = Date.now()
    clearTimeout(this.#settling)
    // A folder that was deleted and created again is another folder to the system, so all of them are watched again.
    this.#closeFolders()
    return new Promise((resolve) => {
      this.#changed = resolve
      for (const file of this.#files) this.#watchFolder(dirname(file))
    })
  }

  add(file: string): void {
    this.#files.add(file)
    this.#watchFolder(dirname(file))
    const modified = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (modified > this.#since) this.noteChange()
  }

  close(): void {
    clearTimeout(this.#settling)
    this.#closeFolders()
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || this.#files.has(join(folder, name))) this.noteChange()
      })
      watcher.on("error", (error) => {
        watcher.close()
        this.#folders.delete(folder)
        this.#onProblem(error)
      })
      this.#folders.set(folder, watcher)
    } catch (error) {
      this.#onProblem(error as Error)
    }
  }

  /** Acts as if a watched file had changed. */
  noteChange(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#changed(), settleMs)
  }

  #closeFolders(): void {
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }
}
