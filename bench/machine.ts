import { availableParallelism, cpus, loadavg, totalmem, type } from "node:os"

/** Describes the machine on which the figures were measured. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor"
  const memory = Math.round(totalmem() / 2 ** 30)
  return `Node ${process.version}, ${type()} ${process.arch}, ${availableParallelism()} cores of ${model}, ${memory} GiB, load ${loadavg()[0]?.toFixed(1)} at the start`
}

/** Returns the maximum number of descriptors that a process may open. Node raises its own limit to this maximum. */
export function maxOpenFiles(): number {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly hard: number | "unlimited" } }
  }
  const hard = userLimits?.open_files?.hard
  return typeof hard === "number" ? hard : Number.POSITIVE_INFINITY
}
