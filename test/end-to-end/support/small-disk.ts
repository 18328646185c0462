import { execFile } from "node:child_process"
import { mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { onTestFinished } from "vitest"
import { requires } from "../../needs.ts"

const run = promisify(execFile)
const block = Buffer.alloc(64 * 1024, 1)

/** A file system of a few megabytes that the test can fill. */
export interface SmallDisk {
  readonly path: string
  fill(): Promise<void>
  free(): Promise<void>
}

/** Mounts a small disk. Skips the running test without root. */
export async function mountSmallDisk(
  parent: string,
  { megabytes, readOnly = false }: { readonly megabytes: number; readonly readOnly?: boolean },
): Promise<SmallDisk> {
  await requires("root")
  const path = join(parent, "disk")
  await mkdir(path)
  await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m${readOnly ? ",ro" : ""}`, "tmpfs", path])
  onTestFinished(async () => {
    // Processes may use the disk until later, so it is unmounted lazily.
    await run("umount", ["--lazy", path])
  })
  const filler = join(path, "filler")
  return {
    path,
    async fill() {
      const file = await open(filler, "a")
      try {
        for (let size = block.length; size >= 1; ) {
          try {
            await file.write(block.subarray(0, size))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
            size = Math.floor(size / 2)
          }
        }
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler),
  }
}
