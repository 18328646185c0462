import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"

export interface TranscriptOptions {
  /**
   * Directory for transcripts: the events of each session as JSON lines, in a separate file that is rotated at 10 MB.
   * It is created if it is missing. Only the owner can read the files. Default: no transcripts.
   */
  readonly transcriptDir?: string
}

export const transcriptOptions = declareOptions<TranscriptOptions>()({
  transcriptDir: z.string().min(1).optional(),
})
