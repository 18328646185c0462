import { getHeapStatistics } from "node:v8"

const megabyte = 1024 * 1024

/** Bounds on the memory of large messages, which leave room for garbage that V8 has not collected yet. */
export interface HeapShares {
  /** Bytes of memory for the request bodies that are parsed and handled at once. */
  readonly parsedBytes: number
  /** Stored bytes of the large sessions that this process works on at once. They take up to twice as much memory. */
  readonly liveBytes: number
  /** Bytes of memory for the histories of large sessions that are read at once. */
  readonly historyBytes: number
}

/** Derives the bounds from V8's limit for the heap, which depends on the machine and on `--max-old-space-size`. */
export function computeHeapShares(limit: number = getHeapStatistics().heap_size_limit): HeapShares {
  return {
    parsedBytes: clamp(limit / 96, 8 * megabyte, 48 * megabyte),
    liveBytes: clamp(limit / 48, 16 * megabyte, 96 * megabyte),
    historyBytes: clamp(limit / 96, 16 * megabyte, 48 * megabyte),
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(Math.max(value, least), most))
}
