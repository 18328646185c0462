import { vi } from "vitest"
import { patienceMs } from "./patience.ts"
import "./fetch-timers.ts"

type WaitOptions = Parameters<typeof vi.waitFor>[1]

/** Vitest's own limit of a second cannot be configured. */
const withPatience = (options: WaitOptions): WaitOptions =>
  typeof options === "object" ? { timeout: patienceMs, ...options } : (options ?? patienceMs)

const { waitFor, waitUntil } = vi
vi.waitFor = (callback, options) => waitFor(callback, withPatience(options))
vi.waitUntil = (callback, options) => waitUntil(callback, withPatience(options))
