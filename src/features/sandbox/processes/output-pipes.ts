import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from "node:fs"
import { Socket } from "node:net"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { promisify } from "node:util"
import { ConfigurationError } from "../../../core/errors.ts"
import { findProgram } from "./find-program.ts"

/** A pipe of which a new process receives one end. */
export interface OutputPipe {
  readonly reader: Readable
  /** Descriptor of the open file. */
  readonly writer: number
}

/** Creates the requested number of pipes. */
export type MakePipes = (count: number) => Promise<readonly OutputPipe[]>

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

/**
 * Prepares pipes. Node connects a process by sockets, and Linux cannot open a socket by its name, so `/dev/stdout`
 * would fail. These are named pipes, which any user may open for writing, because code runs as another user than the
 * gateway. Their names are in `folder`, which other users cannot access, and exist only until both ends are open.
 */
export async function prepareOutputPipes(folder: string): Promise<MakePipes> {
  const mkfifo = await findProgram("mkfifo")
  if (mkfifo === undefined) throw new ConfigurationError("mkfifo is needed (package coreutils).")
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return async (count) => {
    const paths = Array.from({ length: count }, () => join(folder, randomUUID()))
    await promisify(execFile)(mkfifo, ["--mode=622", "--", ...paths], { env: {} })
    const pipes: OutputPipe[] = []
    try {
      for (const path of paths) pipes.push(openPipe(path))
      return pipes
    } catch (error) {
      for (const { reader, writer } of pipes) {
        reader.destroy()
        closeSync(writer)
      }
      throw error
    } finally {
      for (const path of paths) unlinkSync(path)
    }
  }
}

function openPipe(path: string): OutputPipe {
  // The reader is opened first, because without one the writer would wait.
  const file = openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    const writer = openSync(path, O_WRONLY)
    return { reader: new Socket({ fd: file, readable: true, writable: false }), writer }
  } catch (error) {
    closeSync(file)
    throw error
  }
}
