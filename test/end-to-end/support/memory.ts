import { readFile } from "node:fs/promises"

/** Resolves to the peak physical memory of the process, in bytes. Linux only. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8")
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM.`)
  return Number(kilobytes) * 1024
}
