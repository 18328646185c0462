import { z } from "zod"
import { longestTimerMs } from "../../core/time/longest-timer.ts"

/** A function of the application. Only its type is checked. */
export function createFunctionSchema<Callback extends (...args: never) => unknown>() {
  return z.custom<Callback>((value) => typeof value === "function", "expected a function")
}

/** An object of the application. Its content is not checked. */
export function createObjectSchema<Value extends object = object>() {
  return z.custom<Value>((value) => typeof value === "object" && value !== null, "expected an object")
}

/** A whole number of at least 1. */
export const count = z.int().positive()

/** A list of texts, none of which is empty. */
export const texts = z.array(z.string().min(1))

/** A duration in milliseconds that a timer supports. */
export const milliseconds = z.int().positive().max(longestTimerMs)

/** A duration in seconds that a timer supports. */
export const timerSeconds = z
  .number()
  .positive()
  .max(longestTimerMs / 1_000)

/** The duration of a wait, which has no timer. It is at most a century, so that its end is a valid date. */
export const waitSeconds = z.int().positive().max(3_155_760_000)
