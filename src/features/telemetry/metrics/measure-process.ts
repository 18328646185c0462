import { monitorEventLoopDelay } from "node:perf_hooks"
import type { SeriesFactory } from "./series.ts"

/** Measures the process itself. */
export interface ProcessMeasures {
  /** Sets the gauges to the current values. */
  read(): void
  close(): void
}

export function measureProcess({ counter, gauge }: SeriesFactory): ProcessMeasures {
  const delay = gauge(
    "event_loop_delay_seconds",
    "Delay of the event loop since the metrics were read before: mean, p99 or max.",
    ["kind"],
  )
  const memory = gauge("memory_bytes", "Memory of the process: resident, heap_used or heap_total.", ["kind"])
  const cpu = counter("cpu_seconds_total", "Time of the processor that the process has used.")
  const started = gauge("start_time_seconds", "Start of the process in seconds since the Unix epoch.")
  const startedAt = Date.now() / 1_000 - process.uptime()
  const delays = monitorEventLoopDelay()
  delays.enable()
  let usedCpu = 0
  return {
    read() {
      const seconds = { mean: delays.mean, p99: delays.percentile(99), max: delays.max }
      // Without a sample, the mean is not a number.
      for (const [kind, nanoseconds] of Object.entries(seconds)) {
        delay.set({ kind }, delays.count === 0 ? 0 : nanoseconds / 1e9)
      }
      delays.reset()
      const { rss, heapUsed, heapTotal } = process.memoryUsage()
      memory.set({ kind: "resident" }, rss)
      memory.set({ kind: "heap_used" }, heapUsed)
      memory.set({ kind: "heap_total" }, heapTotal)
      const { user, system } = process.cpuUsage()
      const used = (user + system) / 1e6
      cpu.inc(Math.max(0, used - usedCpu))
      usedCpu = used
      started.set(startedAt)
    },
    close: () => delays.disable(),
  }
}
