import { mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { GatewayError, hasCode, toError } from "../../core/errors.ts"
import { isJsonObject, type JsonObject, nestsTooDeep } from "../../core/json/json.ts"
import { takeLock } from "../locks/file-lock.ts"

export interface StateFileOptions {
  /** Ends the wait for the lock. */
  readonly signal?: AbortSignal
  /** Maximum bytes of the file. A larger file is neither read nor written. Default 1 MiB. */
  readonly maxBytes?: number
}

const defaultMaxBytes = 1024 * 1024

/**
 * Reads a JSON object from a file. A missing or empty file counts as an empty object. Throws a `GatewayError` with
 * the code `state_unreadable` if the file is too large or contains anything else, so that no caller overwrites it by
 * mistake.
 */
export async function loadState(
  path: string,
  { maxBytes = defaultMaxBytes }: Pick<StateFileOptions, "maxBytes"> = {},
): Promise<JsonObject> {
  return read(await resolveLinks(path), maxBytes)
}

/** Replaces the whole state. See `updateState`. */
export async function saveState(
  path: string,
  state: JsonObject,
  options: StateFileOptions = {},
): Promise<void> {
  await runUnderLock(path, options, (file, maxBytes) => write(file, state, maxBytes))
}

/**
 * Reads the state, applies `change`, and stores and returns the result. Concurrent updates by all processes of the
 * machine happen one after the other, so none is lost. Readers, and a crash at any moment, see the old state or the
 * new one, never a part. Missing folders are created. An empty file `PATH.lock` remains beside the state.
 */
export async function updateState(
  path: string,
  change: (state: JsonObject) => JsonObject,
  options: StateFileOptions = {},
): Promise<JsonObject> {
  return runUnderLock(path, options, async (file, maxBytes) => {
    const state = change(await read(file, maxBytes))
    await write(file, state, maxBytes)
    return state
  })
}

/** Returns the state with the update's keys. A key whose value is null is removed. */
export function mergeState(state: JsonObject, update: JsonObject): JsonObject {
  const kept = Object.entries(state).filter(([key]) => !Object.hasOwn(update, key))
  return Object.fromEntries([...kept, ...Object.entries(update).filter(([, value]) => value !== null)])
}

async function read(file: string, maxBytes: number): Promise<JsonObject> {
  let text: string
  try {
    const { size, isFile } = await stat(file).then((found) => ({ size: found.size, isFile: found.isFile() }))
    if (!isFile) throw createUnreadable(file, "it is not a regular file")
    if (size > maxBytes)
      throw createUnreadable(file, `it has ${size} bytes, more than the ${maxBytes} allowed`)
    text = await readFile(file, "utf8")
  } catch (error) {
    if (hasCode(error, "ENOENT")) return {}
    throw error
  }
  if (text.trim() === "") return {}
  let state: unknown
  try {
    state = JSON.parse(text)
  } catch (error) {
    throw createUnreadable(file, `it is not JSON: ${toError(error).message}`)
  }
  if (!isJsonObject(state)) throw createUnreadable(file, "it holds no JSON object")
  if (nestsTooDeep(state)) throw createUnreadable(file, "its objects are nested too deeply")
  return state
}

/**
 * Writes the state. The caller must hold the lock: the name of the temporary file is fixed, so that crashes do not
 * leave an increasing number of them.
 */
async function write(file: string, state: JsonObject, maxBytes: number): Promise<void> {
  if (nestsTooDeep(state)) throw createTooLarge("its objects would be nested too deeply")
  const bytes = Buffer.from(`${JSON.stringify(state, null, 2)}\n`)
  if (bytes.length > maxBytes) {
    throw createTooLarge(`it would have ${bytes.length} bytes, more than the ${maxBytes} allowed`)
  }
  const mode = await readMode(file)
  const temporary = `${file}.tmp`
  await rm(temporary, { force: true })
  try {
    const handle = await open(temporary, "wx", mode)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    // On a full disk, the partial file would use space.
    await rm(temporary, { force: true })
    throw error
  }
}

async function readMode(file: string): Promise<number> {
  try {
    return (await stat(file)).mode & 0o777
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0o600
    throw error
  }
}

async function runUnderLock<T>(
  path: string,
  { signal = new AbortController().signal, maxBytes = defaultMaxBytes }: StateFileOptions,
  work: (file: string, maxBytes: number) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(resolve(path)), { recursive: true, mode: 0o700 })
  const file = await resolveLinks(path)
  const lock = await takeLock(`${file}.lock`, signal)
  if (lock === null) {
    throw new GatewayError(
      { code: "state_locked", status: 503, retryable: true },
      "Other processes kept the state file locked, so it was not changed. Try again.",
      { detail: file },
    )
  }
  try {
    return await work(file, maxBytes)
  } finally {
    lock.release()
  }
}

/** Resolves links, so that two names of one file share one lock, and a link is kept when the file is replaced. */
async function resolveLinks(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error
    const folder = dirname(resolve(path))
    return folder === resolve(path) ? folder : join(await resolveLinks(folder), basename(path))
  }
}

function createUnreadable(file: string, problem: string): GatewayError {
  return new GatewayError(
    { code: "state_unreadable", status: 500 },
    `The state file cannot be used: ${problem}. Fix or remove the file.`,
    { detail: file },
  )
}

function createTooLarge(problem: string): GatewayError {
  return new GatewayError(
    { code: "state_too_large", status: 413 },
    `The state was not saved: ${problem}. The former state is unchanged.`,
  )
}
