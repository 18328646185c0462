import { z } from "zod"
import { longestTimerMs } from "../core/time/longest-timer.ts"

/** A function of the application. Only its type is known. */
export function callback<Callback extends (...args: never) => unknown>() {
  return z.custom<Callback>((value) => typeof value === "function", "expected a function")
}

/** An object of the application that is not looked into. */
export function anObject<Value extends object = object>() {
  return z.custom<Value>((value) => typeof value === "object" && value !== null, "expected an object")
}

/** A whole number from 1 up. */
export const count = z.int().positive()

/** Texts of which none is empty. */
export const texts = z.array(z.string().min(1))

/** A duration that a timer can wait for. */
export const milliseconds = z.int().positive().max(longestTimerMs)

/** A duration that a timer can wait for. */
export const timerSeconds = z
  .number()
  .positive()
  .max(longestTimerMs / 1_000)

/** The duration of a wait, which has no timer: at most a century, so that its end is a date. */
export const waitSeconds = z.int().positive().max(3_155_760_000)
