import { parentPort } from "node:worker_threads"
import { lowerThreadPriority } from "../thread-priority.ts"
import { examine, prepareDecoder } from "./examine.ts"

/** The thread that decodes images. It answers each message, a base64 text, with what the examination found. */
lowerThreadPriority()
await prepareDecoder()
parentPort?.on("message", (base64: string) => parentPort?.postMessage(examine(base64)))
parentPort?.postMessage("ready")
