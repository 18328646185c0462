import { parentPort } from "node:worker_threads"
import { lowerThreadPriority } from "../thread-priority.ts"
import { examine, prepareDecoder } from "./examine.ts"

/** The thread that decodes images. It responds to each message, a base64 text, with the result of the examination. */
lowerThreadPriority()
await prepareDecoder()
parentPort?.on("message", (base64: string) => parentPort?.postMessage(examine(base64)))
parentPort?.postMessage("ready")
