import { serveRequests } from "../../platform/workers/serve-requests.ts"
import { type ParsedJson, parseBytes } from "./parse-bytes.ts"

/** The program of a thread that parses the bytes of large bodies. */
serveRequests(
  (bytes: Uint8Array<ArrayBuffer>, enter): ParsedJson => {
    enter("parsing")
    return parseBytes(bytes)
  },
  (parsed) => (parsed.type === "value" ? [parsed.bytes.buffer] : []),
)
