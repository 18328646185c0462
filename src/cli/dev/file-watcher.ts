import { type FSWatcher, statSync, watch } from "node:fs"
import { dirname, join } from "node:path"

/** Editors write a file in several strokes; one reload is to answer them all. */
const settleMs = 100

/**
 * Watches single files by their folders, so that a file which is replaced (as many editors save) or not there yet
 * is watched too.
 */
export class FileWatcher {
  readonly #files = new Set<string>()
  readonly #folders = new Map<string, FSWatcher>()
  readonly #onProblem: (problem: Error) => void
  #since = Date.now()
  #changed: () => void = () => {}
  #settling: NodeJS.Timeout | undefined

  /** `onProblem` is told of a folder that cannot be watched. */
  constructor(onProblem: (problem: Error) => void) {
    this.#onProblem = onProblem
  }

  /** Resolves once a watched file changes, also one that is added later and has changed since this call. */
  nextChange(): Promise<void> {
    this.#since = Date.now()
    clearTimeout(this.#settling)
    // A folder that was deleted and made again is another folder to the system: watch all of them anew.
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
